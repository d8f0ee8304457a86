"""A gRPC server on its address, whatever it serves: credentials, limits, health, reflection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from drpo_server.auth import TokenInterceptor
from drpo_server.settings import Settings

_RPC_THREADS = 64
"""A watched stream holds one while it lasts."""

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Otherwise a second server would share the port, and calls would reach either.
    ("grpc.so_reuseport", 0),
    # A client may ping to see whether the connection lives.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]


class CannotListen(Exception):
    """The address is in use, or not one of this machine."""


def listen(settings: Settings) -> tuple[grpc.Server, int]:
    """A server that holds its port and does not answer yet, and that port. Raises CannotListen."""
    interceptors: list[grpc.ServerInterceptor[Any, Any]] = (
        [TokenInterceptor(settings.token)] if settings.token is not None else []
    )
    server = grpc.server(
        ThreadPoolExecutor(_RPC_THREADS, thread_name_prefix="rpc"), interceptors=interceptors, options=_OPTIONS
    )
    return server, _bind(server, settings)


def add_discovery(server: Any, *services: Any) -> None:
    """Health and reflection for the services with these descriptors."""
    names = [service.full_name for service in services]
    health_servicer = health.HealthServicer()
    for name in ("", *names):
        health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)


def _bind(server: grpc.Server, settings: Settings) -> int:
    try:
        if settings.tls_cert is not None and settings.tls_key is not None:
            pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
            return server.add_secure_port(settings.address, grpc.ssl_server_credentials([pair]))
        return server.add_insecure_port(settings.address)
    except RuntimeError as error:
        raise CannotListen(
            f"cannot listen on {settings.address}: the port is in use, or the address is not this machine's. Choose "
            "another "
            "--port (0: any free one), or stop what uses it"
        ) from error
