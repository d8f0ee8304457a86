"""Files of the trainer's checkpoints, read through its API: for a sampler that shares no disk with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from drpo_server.errors import DataLoss, FailedPrecondition, NotFound, Unavailable
from drpo_server.proto_gen import model_service_pb2 as pb
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceStub

_ATTEMPTS = 5
"""Attempts of one file without any progress between them."""
_FIRST_WAIT_SECONDS = 0.2
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    # A trainer whose machine is gone is found out.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_retries", 0),
]
_REFUSALS = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.DATA_LOSS: DataLoss,
}


class TrainerFiles:
    """A connection to the trainer; it is made with the first call."""

    def __init__(self, address: str, *, token: str | None, tls_ca: Path | None) -> None:
        """token: of the trainer, sent with every call. tls_ca: authority to trust (PEM); None: not encrypted."""
        self._address = address
        self._metadata = [("authorization", f"Bearer {token}")] if token is not None else []
        channel = (
            grpc.secure_channel(address, grpc.ssl_channel_credentials(tls_ca.read_bytes()), options=_OPTIONS)
            if tls_ca is not None
            else grpc.insecure_channel(address, options=_OPTIONS)
        )
        self._models = ModelServiceStub(channel)

    def read(self, uri: str, manifest_hash: str, path: str, offset: int) -> Iterator[bytes]:
        """A file from an offset on; where the connection breaks off, the next attempt goes on.

        Raises NotFound or DataLoss as the trainer does, FailedPrecondition if it refuses the call, Unavailable if it
        cannot be reached.
        """
        failures = 0
        while True:
            request = pb.ReadFileRequest(uri=uri, manifest_hash=manifest_hash, path=path, offset=offset)
            try:
                for answer in self._models.ReadFile(request, metadata=self._metadata):
                    if answer.WhichOneof("update") == "data":
                        offset += len(answer.data)
                        failures = 0
                        yield answer.data
                return
            except grpc.RpcError as error:
                failures += 1
                if error.code() is not grpc.StatusCode.UNAVAILABLE or failures == _ATTEMPTS:
                    raise self._explain(error, f"{uri}/{path}") from error
            time.sleep(_FIRST_WAIT_SECONDS * 2 ** (failures - 1))

    def _explain(self, error: grpc.RpcError, what: str) -> Exception:
        code, details = error.code(), error.details()
        message = f"the trainer at {self._address} did not send {what}: {details} ({code.name})"
        if code is grpc.StatusCode.UNAVAILABLE:
            return Unavailable(f"{message}. Check that it runs, and --weights-from")
        refusal = _REFUSALS.get(code, FailedPrecondition)
        return refusal(f"{message}. Check --weights-from, and DRPO_TRAINER_TOKEN, which is the trainer's token")
