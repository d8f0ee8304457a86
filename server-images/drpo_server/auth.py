"""A bearer token on every call but health checks."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import grpc

_HEALTH = "/grpc.health.v1.Health/"


class TokenInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Answers UNAUTHENTICATED unless a call carries `authorization: Bearer TOKEN`."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        sent = dict(details.invocation_metadata).get("authorization", "")
        content = sent if isinstance(sent, bytes) else sent.encode()
        if details.method.startswith(_HEALTH) or hmac.compare_digest(content, self._expected):
            return continuation(details)
        return self._refusal


def _refuse(_: bytes, context: grpc.ServicerContext) -> None:
    context.abort(
        grpc.StatusCode.UNAUTHENTICATED,
        "this server wants its token: send metadata `authorization: Bearer TOKEN`, with the DRPO_SERVER_TOKEN that "
        "the server "
        "was started with",
    )
