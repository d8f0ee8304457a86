"""What a server process is started with."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drpo_server.torchrun import Place, read_place

TOKEN_VARIABLE = "DRPO_SERVER_TOKEN"
TRAINER_TOKEN_VARIABLE = "DRPO_TRAINER_TOKEN"
ENGINES = ("torch", "vllm")
DTYPES = ("float32", "bfloat16", "float64")
DEFAULT_TOKEN_BUDGET = 4096
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^:/\s]+):\d{1,5}")


class SettingsError(Exception):
    """Settings that cannot be served with; its message is for the terminal."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    checkpoint_root: Path
    stage_root: Path
    threads: int | None
    """CPU threads of one operator; None: PyTorch's default, one for each core."""
    device: str
    dtype: str
    token_budget: int
    exit_with_parent: bool
    tls_cert: Path | None
    tls_key: Path | None
    token: str | None
    """From the environment; never shown."""
    preload: tuple[str, ...]
    engine: str = "torch"
    base: Path | None = None
    """What a vLLM server samples from; None for PyTorch, which loads bases as it is asked for them."""
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    """vLLM's own, by their names."""
    weights_from: str | None = None
    """Where SyncWeights finds published weights: a folder, or the trainer's HOST:PORT."""
    weights_tls_ca: Path | None = None
    trainer_token: str | None = None
    """From the environment; never shown."""
    activation_checkpointing: bool = False
    place: Place = Place()  # noqa: RUF009 - it is frozen
    """Among the processes that torchrun started, if it did."""

    @property
    def address(self) -> str:
        """host:port, with an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def weights_address(self) -> str | None:
        """HOST:PORT, if weights come from a server and not from a folder."""
        place = self.weights_from
        return place if place is not None and _ADDRESS.fullmatch(place) and not Path(place).is_dir() else None


def read_settings(arguments: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises SettingsError; SystemExit (2) as argparse does."""
    options = _parser().parse_args(arguments)
    settings = Settings(
        host=options.host,
        port=options.port,
        checkpoint_root=options.checkpoint_root.resolve(),
        stage_root=options.stage_root.resolve(),
        threads=options.threads,
        device=options.device,
        dtype=options.dtype,
        token_budget=options.token_budget,
        exit_with_parent=options.exit_with_parent,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        token=environment.get(TOKEN_VARIABLE) or None,
        preload=tuple(options.preload),
        engine=options.engine,
        base=options.base.resolve() if options.base is not None else None,
        engine_options=options.engine_options,
        weights_from=options.weights_from,
        weights_tls_ca=options.weights_tls_ca,
        trainer_token=environment.get(TRAINER_TOKEN_VARIABLE) or environment.get(TOKEN_VARIABLE) or None,
        activation_checkpointing=options.activation_checkpointing,
        place=read_place(environment),
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.place.size > 1 and (settings.engine == "vllm" or settings.weights_from is not None):
        raise SettingsError(
            f"torchrun started {settings.place.size} processes, but a sampler is one: start it without torchrun (vLLM "
            "uses more GPUs by --engine-options '{\"tensor_parallel_size\": 2}')"
        )
    if settings.place.size > 1 and ":" in settings.device:
        raise SettingsError(
            f"--device {settings.device} names one device for {settings.place.size} processes: say --device "
            f"{settings.device.partition(':')[0]}, and each takes its own"
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key belong together: give both or neither")
    _check_engine(settings)
    _check_weights_from(settings)
    for file in (settings.tls_cert, settings.tls_key, settings.weights_tls_ca):
        if file is not None and not file.is_file():
            raise SettingsError(f"no such file: {file}")
    if is_loopback(settings.host):
        return
    if settings.tls_cert is None or settings.token is None:
        raise SettingsError(
            f"--host {settings.host} can be reached from other machines: give --tls-cert and --tls-key and set "
            f"{TOKEN_VARIABLE}, "
            "or serve on 127.0.0.1 and let a tunnel end there"
        )


def _check_engine(settings: Settings) -> None:
    if settings.engine == "torch":
        if settings.base is not None or settings.engine_options:
            raise SettingsError("--base and --engine-options are for --engine vllm: leave them out, or choose it")
        return
    if settings.base is None:
        raise SettingsError("--engine vllm needs --base FOLDER: vLLM loads its base when it starts")
    if not (settings.base / "config.json").is_file():
        raise SettingsError(f"--base {settings.base}: no Hugging Face folder (no config.json)")
    if settings.dtype == "float64":
        raise SettingsError("--dtype float64 is for --engine torch: vLLM computes in float32 or bfloat16")
    if settings.preload:
        raise SettingsError("--preload is for --engine torch: a vLLM server has the one base that --base names")


def _check_weights_from(settings: Settings) -> None:
    address = settings.weights_address
    if address is None:
        if settings.weights_tls_ca is not None:
            raise SettingsError(
                "--weights-tls-ca is for a trainer that --weights-from names as HOST:PORT: leave it out"
            )
        return
    host = address.rpartition(":")[0].strip("[]")
    if settings.weights_tls_ca is None and not is_loopback(host):
        raise SettingsError(
            f"--weights-from {address} is another machine: give --weights-tls-ca, or let a tunnel end on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """True for an address that only this machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m drpo_server",
        description='Model server of drpo. When it serves, it says {"event": "serving", "address": ...} on standard '
        "output; logs go to standard error.",
        epilog="example: python -m drpo_server --port 50051 --checkpoint-root runs/a/checkpoints --stage-root "
        "cache/stages. Several processes: torchrun --standalone --nproc-per-node 4 -m drpo_server and such options. "
        f"Environment: {TOKEN_VARIABLE}: a token that every call must carry; {TRAINER_TOKEN_VARIABLE}: the one of "
        "--weights-from, if it is another. "
        "Exit codes: 0 stopped; 2 bad arguments; 3 port in use, no such device, or a damaged checkpoint root.",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help=f"address to serve on (default: %(default)s); others than loopback need TLS and {TOKEN_VARIABLE}",
    )
    parser.add_argument("--port", type=_port, default=0, help="0: any free one (default)")
    parser.add_argument(
        "--checkpoint-root",
        type=Path,
        required=True,
        metavar="DIR",
        help='"checkpoints/NAME" is DIR/NAME; the fences of runs are kept here too',
    )
    parser.add_argument("--stage-root", type=Path, required=True, metavar="DIR", help='"stages/NAME" is DIR/NAME')
    parser.add_argument(
        "--threads",
        type=_positive,
        default=None,
        metavar="N",
        help="CPU threads of one operator (default: one for each core)",
    )
    parser.add_argument("--device", default="cpu", help="torch device, such as cuda:0 (default: %(default)s)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="type of the weights (default: %(default)s)")
    parser.add_argument(
        "--token-budget",
        type=_positive,
        default=DEFAULT_TOKEN_BUDGET,
        metavar="N",
        help="most tokens of one micro-batch (default: %(default)s)",
    )
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end when standard input, a pipe held by the parent, is closed"
    )
    parser.add_argument("--tls-cert", type=Path, default=None, metavar="FILE", help="certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, default=None, metavar="FILE", help="private key (PEM)")
    parser.add_argument(
        "--activation-checkpointing",
        action="store_true",
        help="keep only the input of each block in a forward pass, and compute the rest again in the backward pass: "
        "less memory, about a third more time",
    )
    parser.add_argument("--preload", action="append", default=[], metavar="BASE", help="load this base before serving")
    _add_sampler_options(parser)
    return parser


def _add_sampler_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine", choices=ENGINES, default="torch", help="what computes (default: %(default)s); vllm only samples"
    )
    parser.add_argument("--base", type=Path, default=None, metavar="DIR", help="with --engine vllm: the base to load")
    parser.add_argument(
        "--engine-options",
        type=_json_object,
        default={},
        metavar="JSON",
        help="with --engine vllm: settings of vLLM by its own names, such as "
        '{"tensor_parallel_size": 2, "max_lora_rank": 128}',
    )
    parser.add_argument(
        "--weights-from",
        default=None,
        metavar="WHERE",
        help='where SyncWeights finds what the trainer published: its checkpoint root ("checkpoints/NAME" is '
        "WHERE/NAME), or HOST:PORT of its server",
    )
    parser.add_argument(
        "--weights-tls-ca", type=Path, default=None, metavar="FILE", help="certificate authority (PEM) of that server"
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return value


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: use 0 to 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number
