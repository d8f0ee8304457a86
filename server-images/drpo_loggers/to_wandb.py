"""Sends a run's metrics to Weights & Biases, by their SDK.

    python -m drpo_loggers.to_wandb --check online|offline
    python -m drpo_loggers.to_wandb

Reads JSON lines on standard input: first the run, then what it logs. End of input finishes the run, however the writer
ended. Says in JSON lines on standard output: {"ready": its address, or how to send it} once the run is open,
{"problem": ...} and exit code 1 if it cannot go on. What the SDK prints goes to standard error.

The API key is the SDK's affair: WANDB_API_KEY, or what `wandb login` keeps. It is never read or written here.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

OLDEST = (0, 31)
INSTALL = f"{sys.executable} -m pip install wandb==0.31.0"


class Problem(Exception):
    """What keeps W&B from being used, in words for the user."""


def check(mode: str) -> None:
    """Raises Problem if the SDK is missing or too old, or if it is to be online and knows no API key."""
    try:
        import wandb
    except ImportError as error:
        raise Problem(f"the Python package wandb cannot be imported ({error}). Install it: {INSTALL}") from None
    if tuple(int(part) for part in wandb.__version__.split(".")[:2]) < OLDEST:
        raise Problem(f"the Python package wandb is {wandb.__version__}, which is too old. Install another: {INSTALL}")
    if mode == "online" and not has_key():
        raise Problem(
            "there is no API key. Set WANDB_API_KEY, or run `wandb login`, "
            'or set "mode": "offline" and send the run later with `wandb sync`'
        )


def has_key() -> bool:
    """Whether the SDK knows how to log in; no server is asked."""
    import wandb

    try:
        return wandb.login(prompt=False, verify=False)
    except wandb.Error as error:
        raise Problem(str(error)) from None


def open_run(options: dict[str, Any]) -> Any:
    """Starts or resumes the W&B run. Offline, there is nothing to resume: each session brings the whole history."""
    import wandb

    is_online = options["mode"] == "online"
    return wandb.init(
        project=options["project"],
        entity=options.get("entity"),
        group=options.get("group"),
        tags=options.get("tags"),
        mode=options["mode"],
        dir=options["directory"],
        id=options["id"],
        name=options["name"],
        config=options["config"],
        resume="allow" if is_online else None,
        # Its own output is no output of the run, and the code that it would save is drpo's.
        settings=wandb.Settings(console="off", silent=True, disable_git=True, disable_code=True, save_code=False),
    )


def log_lines(run: Any, lines: Iterable[str]) -> bool:
    """Logs each line until the end of input. Returns whether the writer said that the run is done."""
    stages: set[str] = set()
    is_done = False
    for text in lines:
        line = json.loads(text)
        if "metrics" in line:
            log_metrics(run, line, stages)
        elif "summary" in line:
            run.summary.update(line["summary"])
        else:
            is_done = line["done"]
    return is_done


def log_metrics(run: Any, line: dict[str, Any], stages: set[str]) -> None:
    """One line of metrics: row `step` of the run, drawn over its stage's own iterations."""
    stage = line["stage"]
    axis = f"{stage}/iteration"
    if stage not in stages:
        run.define_metric(f"{stage}/*", step_metric=axis)
        stages.add(stage)
    # A resumed run has the rows before: the same line has the same step.
    if line["step"] >= run.step:
        run.log({**line["metrics"], axis: line["iteration"], "_timestamp": line["at"]}, step=line["step"], commit=True)


def remove_superseded(folder: Path, run_id: str) -> None:
    """Removes what earlier sessions kept offline: this one holds all of it, and sending both would lose rows."""
    for older in folder.parent.glob(f"offline-run-*-{run_id}"):
        if older != folder:
            # One that was killed a moment ago may still be at its last lines.
            shutil.rmtree(older, ignore_errors=True)


def say(answers: TextIO, message: dict[str, Any]) -> None:
    """One line of JSON, at once."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def serve(lines: TextIO, answers: TextIO) -> None:
    """The whole of a run: its options are the first line."""
    options = json.loads(lines.readline())
    check(options["mode"])
    run = open_run(options)
    folder = Path(run.dir).parent
    is_online = options["mode"] == "online"
    if not is_online:
        remove_superseded(folder, options["id"])
    say(answers, {"ready": run.url if is_online else f"wandb sync {folder}"})
    is_done = log_lines(run, lines)
    run.finish(exit_code=0 if is_done else 1)


def main(arguments: list[str]) -> int:
    """Runs one of the two forms above. Returns the exit code."""
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        if arguments[:1] == ["--check"]:
            # The recipe says it, whatever the environment says.
            os.environ["WANDB_MODE"] = arguments[1]
            check(arguments[1])
        else:
            serve(sys.stdin, answers)
    except Exception as error:
        say(answers, {"problem": " ".join(str(error).split())})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
