"""A real server in this process, and a client that fills in what every request needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from device import DEVICE

from drpo_server.compute import Call
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceStub
from drpo_server.proto_gen.reward_model_service_pb2_grpc import RewardModelServiceStub
from drpo_server.proto_gen.sampler_service_pb2_grpc import SamplerServiceStub
from drpo_server.proto_gen.tokenizer_service_pb2_grpc import TokenizerServiceStub
from drpo_server.proto_gen.trainer_service_pb2_grpc import TrainerServiceStub
from drpo_server.server import BoundServer, bind_server
from drpo_server.settings import read_settings

DEADLINE_SECONDS = 120.0
"""So that a call that hangs fails its test."""

ADAMW = training.AdamW(learning_rate=0.01, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.0)
LORA = models.LoraShape(rank=2, alpha=4.0, last_blocks=2)


Served = tuple[BoundServer, grpc.Channel]


def arguments(root: Path) -> list[str]:
    """The command line of a server below a folder."""
    roots = ["--checkpoint-root", str(root / "checkpoints"), "--stage-root", str(root / "stages")]
    return [*roots, "--threads", "1", "--device", str(DEVICE)]


@contextmanager
def serve(root: Path, *more: str, token: str | None = None, **environment: str) -> Iterator[Served]:
    """A server and a channel to it. more: further arguments."""
    variables = {**environment, **({"DRPO_SERVER_TOKEN": token} if token else {})}
    bound = bind_server(read_settings([*arguments(root), *more], variables))
    bound.server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{bound.port}")
    try:
        yield bound, channel
    finally:
        channel.close()
        bound.server.stop(0).wait()


@contextmanager
def busy(bound: BoundServer) -> Iterator[None]:
    """The compute thread is busy until the block ends, so that what is sent meanwhile waits in order."""
    done = threading.Event()

    def wait(_: Call) -> None:
        assert done.wait(DEADLINE_SECONDS)

    bound.services.compute.submit(wait, None)
    try:
        yield
    finally:
        done.set()


class RunClient:
    """Speaks for one run."""

    def __init__(self, channel: grpc.Channel, base: Path, run_id: str = "run", attempt: str = "attempt-1") -> None:
        self.models: Any = ModelServiceStub(channel)
        self.tokenizer: Any = TokenizerServiceStub(channel)
        self.sampler: Any = SamplerServiceStub(channel)
        self.trainer: Any = TrainerServiceStub(channel)
        self.rewards: Any = RewardModelServiceStub(channel)
        self.base = str(base)
        self.run_id = run_id
        acquire = models.AcquireRunRequest(run_id=run_id, request_id=attempt)
        self.fence: int = self.models.AcquireRun(acquire, timeout=DEADLINE_SECONDS).fence
        self._requests = 0

    def mutation(self, request_id: str | None = None) -> common.Mutation:
        self._requests += 1
        return common.Mutation(
            run_id=self.run_id, fence=self.fence, request_id=request_id or f"{self.fence}-{self._requests}"
        )

    def create_request(self, model: str = "policy", **fields: Any) -> models.CreateModelRequest:
        defaults: dict[str, Any] = {"head": models.HEAD_LANGUAGE_MODEL, "seed": 7, "trainable": True}
        if "full" not in fields:
            defaults["lora"] = LORA
        return models.CreateModelRequest(
            **{"mutation": self.mutation(), "model": model, "base": self.base, **defaults, **fields}
        )

    def create(self, model: str = "policy", **fields: Any) -> common.ModelRef:
        result = self.result(self.models.CreateModel, self.create_request(model, **fields))
        return common.ModelRef(model=model, version=result.version)

    def critic(self, model: str = "critic", **fields: Any) -> common.ModelRef:
        return self.create(model, **{"head": models.HEAD_SCALAR, **fields})

    def gradient_request(self, ref: common.ModelRef, **fields: Any) -> training.ForwardBackwardRequest:
        """Cross-entropy of the rows' spans for a language model, squared values for a critic."""
        loss = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[1.0] * SPAN_TOKENS))
        defaults: dict[str, Any] = {"batch": common.BatchInput(rows=ROWS), "losses": [loss]}
        return training.ForwardBackwardRequest(**{"mutation": self.mutation(), **defaults, **fields})

    def add_gradients(self, ref: common.ModelRef) -> str:
        """The id of a ForwardBackward request on this model that has succeeded."""
        request = self.gradient_request(ref)
        self.result(self.trainer.ForwardBackward, request)
        return request.mutation.request_id

    def step_request(self, ref: common.ModelRef, request_ids: Sequence[str], **fields: Any) -> Any:
        return training.OptimizerStepRequest(
            **{
                "mutation": self.mutation(),
                "model": ref,
                "forward_backward_request_ids": request_ids,
                "adamw": ADAMW,
                "max_gradient_norm": 1.0,
                **fields,
            }
        )

    def step(self, ref: common.ModelRef) -> common.ModelRef:
        """One optimiser step on the gradients of ROWS; the model at its new version."""
        answer = self.trainer.OptimizerStep(self.step_request(ref, [self.add_gradients(ref)]), timeout=DEADLINE_SECONDS)
        return common.ModelRef(model=ref.model, version=answer.version)

    def logprobs(self, ref: common.ModelRef) -> list[float]:
        request = training.ForwardRequest(
            run_id=self.run_id,
            batch=common.BatchInput(rows=ROWS),
            outputs=[training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS)],
        )
        return list(self.result(self.trainer.Forward, request).outputs[0].values)

    def sample_request(self, ref: common.ModelRef, **fields: Any) -> samples.SampleRolloutsRequest:
        defaults: dict[str, Any] = {
            "contexts": [samples.SampleContext(token_ids=[5, 6, 7], max_new_tokens=8, first_position=0, seeds=[1, 2])],
            "params": samples.SamplingParams(temperature=1.0, top_p=1.0, stop_token_ids=[0]),
        }
        return samples.SampleRolloutsRequest(**{"run_id": self.run_id, "model": ref, **defaults, **fields})

    def save(self, refs: Sequence[common.ModelRef], uri: str = "checkpoints/one") -> common.CheckpointRef:
        request = models.SaveCheckpointRequest(
            mutation=self.mutation(), uri=uri, models=refs, with_optimizer_state=True
        )
        checkpoint: common.CheckpointRef = self.result(self.models.SaveCheckpoint, request).checkpoint
        return checkpoint

    def restore(
        self, checkpoint: common.CheckpointRef, *wanted: models.RestoredModel, base: str = ""
    ) -> list[common.ModelRef]:
        request = models.RestoreCheckpointRequest(
            mutation=self.mutation(), checkpoint=checkpoint, models=wanted, base=base
        )
        return list(self.result(self.models.RestoreCheckpoint, request).models)

    @staticmethod
    def answers(method: Callable[..., Any], request: Any) -> list[Any]:
        """All answers of a stream but its progress, which must come first."""
        stream = list(method(request, timeout=DEADLINE_SECONDS))
        assert stream[0].WhichOneof("update") == "progress"
        return [getattr(item, item.WhichOneof("update")) for item in stream if item.WhichOneof("update") != "progress"]

    @classmethod
    def result(cls, method: Callable[..., Any], request: Any) -> Any:
        """The one result of a stream."""
        [result] = cls.answers(method, request)
        return result


ROWS = common.TokenBatch(
    token_ids=[5, 6, 7, 8, 9, 5, 6, 7, 10, 11, 12, 13],
    row_lengths=[5, 7],
    span_starts=[3, 3],
    span_lengths=[2, 4],
)
SPAN_TOKENS = 6


@contextmanager
def refused(code: grpc.StatusCode, *parts: str) -> Iterator[None]:
    """The call in the block is refused with this status; its message has these parts."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    error: Any = caught.value
    assert error.code() is code, error.details()
    for part in parts:
        assert part in error.details()
