"""python -m drpo_server.check_health: asks a server by grpc.health.v1 whether it serves. See --help."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ADDRESS_VARIABLE = "DRPO_HEALTH_ADDRESS"
TLS_CA_VARIABLE = "DRPO_HEALTH_TLS_CA"
DEFAULT_ADDRESS = "127.0.0.1:50051"
EXIT_NOT_SERVING = 1
EXIT_BAD_ARGUMENTS = 2


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = _parser(environment).parse_args(arguments)
    try:
        channel = _open(options.address, options.tls_ca)
    except OSError as error:
        print(f"--tls-ca {options.tls_ca}: {error.strerror}: give the PEM file of the authority to trust, or "
              f"nothing (--tls-ca '') for a server without TLS", file=sys.stderr)  # fmt: skip
        return EXIT_BAD_ARGUMENTS
    with channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=options.service), timeout=options.timeout
            )
        except grpc.RpcError as error:
            print(f"{options.address} does not serve: {error.code().name}: {error.details()}", file=sys.stderr)
            return EXIT_NOT_SERVING
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    print(f"{options.address}: {status}", file=sys.stderr)
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else EXIT_NOT_SERVING


def _open(address: str, tls_ca: str) -> grpc.Channel:
    """Raises OSError for a certificate that cannot be read."""
    options = [("grpc.enable_http_proxy", 0)]
    if not tls_ca:
        return grpc.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(root_certificates=Path(tls_ca).read_bytes())
    return grpc.secure_channel(address, credentials, options=options)


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m drpo_server.check_health",
        description="Asks a server by grpc.health.v1 whether it serves, for health checks. It needs no token.",
        epilog="example: python -m drpo_server.check_health --address 127.0.0.1:50051 --tls-ca ca.crt. "
        "Exit codes: 0 serving; 1 not serving, or not reached; 2 bad arguments.",
    )
    parser.add_argument(
        "--address",
        default=environment.get(ADDRESS_VARIABLE) or DEFAULT_ADDRESS,
        help=f"host:port (default: ${ADDRESS_VARIABLE}, else {DEFAULT_ADDRESS})",
    )
    parser.add_argument(
        "--tls-ca",
        default=environment.get(TLS_CA_VARIABLE, ""),
        metavar="FILE",
        help=f"authority to trust (PEM); none: no TLS (default: ${TLS_CA_VARIABLE}, else none)",
    )
    parser.add_argument("--service", default="", help="one service, by its full name (default: the whole server)")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
