"""Two processes compute what one does, within rounding; and what one writes the other reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import torch
from distributed.conftest import Cluster
from safetensors.torch import load_file
from server_client import RunClient, refused, serve
from server_process import HANGS_SECONDS

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import trainer_service_pb2 as training

TOLERANCE = 1e-5
STEPS = 5

ROWS = common.TokenBatch(
    token_ids=[5, 6, 7, 8, 9, 3, 5, 6, 7, 10, 11, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 20, 21, 30, 31, 32],
    row_lengths=[6, 5, 7, 4, 5],
    span_starts=[3, 3, 3, 2, 2],
    span_lengths=[3, 2, 4, 2, 3],
)
SPAN_TOKENS = 14

ADAMW = training.AdamW(learning_rate=1e-3, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.01)


class Trainer:
    """The same small run on whatever server it is given."""

    def __init__(self, run: RunClient) -> None:
        self.run = run
        self.refs = {
            "policy": run.create(),
            "critic": run.critic(lora=models.LoraShape(rank=3, alpha=6.0, last_blocks=3)),
            "full": run.create("full", full=models.FullShape()),
        }
        self.seen: list[list[float]] = []
        """Everything that was answered, in order."""

    def iterate(self, number: int) -> None:
        """One optimiser step of every model; the first call keeps the rows."""
        batch = common.BatchInput(kept_batch_id="rows") if number else common.BatchInput(rows=ROWS, keep_as="rows")
        outputs = [("policy", training.OUTPUT_LOGPROBS), ("critic", training.OUTPUT_VALUES)]
        outputs += [("critic", training.OUTPUT_SCORES), ("full", training.OUTPUT_ENTROPY)]
        forward = training.ForwardRequest(
            run_id=self.run.run_id,
            batch=batch,
            outputs=[training.OutputRequest(model=self.refs[name], output=output) for name, output in outputs],
        )
        self._see(*self.run.result(self.run.trainer.Forward, forward).outputs)
        request = self.run.gradient_request(
            self.refs["policy"], batch=common.BatchInput(kept_batch_id="rows"), losses=self._losses()
        )
        for loss in self.run.result(self.run.trainer.ForwardBackward, request).losses:
            self.seen.append([loss.loss, *loss.outputs])
        for name, ref in self.refs.items():
            step = self.run.step_request(ref, [request.mutation.request_id], adamw=ADAMW)
            answer = self.run.trainer.OptimizerStep(step)
            self.seen.append([answer.gradient_norm])
            self.refs[name] = common.ModelRef(model=name, version=answer.version)

    def _losses(self) -> list[training.ModelLoss]:
        weights = [1.0] * SPAN_TOKENS
        squared = training.SquaredErrorLoss(output=training.OUTPUT_VALUES, targets=[0.5] * SPAN_TOKENS, weights=weights)
        ranked = training.RankedGroupLoss(group_sizes=[3, 2], ratings=[1, 2, 3, 1, 2], weights=[1.0, 0.5])
        dpo = training.DpoLoss(
            reference_logprobs=[-1.0] * SPAN_TOKENS,
            preferred_rows=[0, 3],
            rejected_rows=[2, 4],
            weights=[1, 1],
            beta=0.1,
        )
        policy, critic, full = (self.refs[name] for name in ("policy", "critic", "full"))
        return [
            training.ModelLoss(model=policy, cross_entropy=training.CrossEntropyLoss(weights=weights)),
            training.ModelLoss(model=critic, squared_error=squared),
            training.ModelLoss(model=critic, ranked_group=ranked),
            training.ModelLoss(model=full, cross_entropy=training.CrossEntropyLoss(weights=weights), temperature=0.7),
            training.ModelLoss(model=full, dpo=dpo),
        ]

    def _see(self, *arrays: training.FloatArray) -> None:
        self.seen.extend(list(array.values) for array in arrays)

    def save(self, uri: str, **fields: Any) -> common.CheckpointRef:
        request = models.SaveCheckpointRequest(
            mutation=self.run.mutation(), uri=uri, models=self.refs.values(), **fields
        )
        checkpoint: common.CheckpointRef = self.run.result(self.run.models.SaveCheckpoint, request).checkpoint
        return checkpoint

    def restore(self, checkpoint: common.CheckpointRef) -> None:
        self.refs = {ref.model: ref for ref in self.run.restore(checkpoint)}
        self.seen = []


def folder_of(cluster: Cluster) -> Path:
    return cluster.log.parent


@pytest.fixture(scope="module")
def single(cluster: Cluster) -> Iterator[grpc.Channel]:
    """A server of one process on the same folders."""
    with serve(folder_of(cluster)) as (_, channel):
        yield channel


@pytest.fixture(scope="module")
def trained(cluster: Cluster, single: grpc.Channel, tiny_llama_folder: Path) -> tuple[Trainer, Trainer]:
    """By two processes, and by one, after the same steps."""
    both = (
        Trainer(RunClient(cluster.channel, tiny_llama_folder, "two")),
        Trainer(RunClient(single, tiny_llama_folder, "one")),
    )
    for trainer in both:
        for number in range(STEPS):
            trainer.iterate(number)
    return both


def assert_close(two: Trainer, one: Trainer) -> None:
    assert len(two.seen) == len(one.seen) > 0
    for ours, expected in zip(two.seen, one.seen, strict=True):
        torch.testing.assert_close(torch.tensor(ours), torch.tensor(expected), rtol=TOLERANCE, atol=TOLERANCE)


def test_losses_outputs_and_norms_are_those_of_one_process(trained: tuple[Trainer, Trainer]) -> None:
    assert_close(*trained)
    assert len({tuple(values) for values in trained[0].seen}) == len(trained[0].seen)  # weights did move


def test_weights_are_those_of_one_process(trained: tuple[Trainer, Trainer], cluster: Cluster) -> None:
    """Written without optimiser state, in the form that samplers read."""
    for trainer, uri in zip(trained, ("checkpoints/plain-two", "checkpoints/plain-one"), strict=True):
        trainer.save(uri)
    for name in ("policy", "critic", "full"):
        two, one = (
            load_file(folder_of(cluster) / "checkpoints" / folder / f"{name}.safetensors")
            for folder in ("plain-two", "plain-one")
        )
        assert two.keys() == one.keys()
        for key, weight in two.items():
            torch.testing.assert_close(weight, one[key], rtol=TOLERANCE, atol=TOLERANCE)


def test_kept_states_change_nothing(trained: tuple[Trainer, Trainer]) -> None:
    """The rows were kept, with states of the frozen blocks; sent again they are computed from the start."""
    two = trained[0]
    for batch in (common.BatchInput(kept_batch_id="rows"), common.BatchInput(rows=ROWS)):
        request = training.ForwardRequest(
            run_id=two.run.run_id,
            batch=batch,
            outputs=[training.OutputRequest(model=two.refs["policy"], output=training.OUTPUT_LOGPROBS)],
        )
        two._see(*two.run.result(two.run.trainer.Forward, request).outputs)
    torch.testing.assert_close(torch.tensor(two.seen.pop()), torch.tensor(two.seen.pop()))


@pytest.mark.parametrize("to_two", [True, False], ids=["one to two", "two to one"])
def test_a_checkpoint_restores_on_another_number_of_processes(trained: tuple[Trainer, Trainer], to_two: bool) -> None:
    """With the moments of the optimiser: training goes on as where it was saved."""
    two, one = trained
    saver, reader = (one, two) if to_two else (two, one)
    checkpoint = saver.save(f"checkpoints/moments-{to_two}", with_optimizer_state=True)
    saver.seen = []
    reader.restore(checkpoint)
    assert {n: r.version.weights_hash for n, r in reader.refs.items()} == {
        n: r.version.weights_hash for n, r in saver.refs.items()
    }
    for trainer in trained:
        for number in (STEPS, STEPS + 1):
            trainer.iterate(number)
    assert_close(two, one)


def test_rollouts_are_those_of_one_process(trained: tuple[Trainer, Trainer]) -> None:
    drawn = []
    for trainer in trained:
        contexts = [
            {"token_ids": [5, 6, 7], "max_new_tokens": 6, "first_position": 0, "seeds": [1, 2, 3]},
            {"token_ids": [20], "max_new_tokens": 6, "first_position": 0, "seeds": [4, 5]},
        ]
        request = trainer.run.sample_request(trainer.refs["policy"], contexts=contexts)
        answers = trainer.run.answers(trainer.run.sampler.SampleRollouts, request)
        drawn.append({(item.context_index, item.continuation_index): item for item in answers})
    two, one = drawn
    assert two.keys() == one.keys() == {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)}
    for key, rollout in two.items():
        assert list(rollout.token_ids) == list(one[key].token_ids)
        torch.testing.assert_close(torch.tensor(rollout.logprobs), torch.tensor(one[key].logprobs))


def test_exports_are_those_of_one_process(trained: tuple[Trainer, Trainer]) -> None:
    exported = []
    for trainer, uri in zip(trained, ("checkpoints/merged-two", "checkpoints/merged-one"), strict=True):
        request = models.ExportModelRequest(
            mutation=trainer.run.mutation(),
            model=trainer.refs["policy"],
            format=models.EXPORT_FORMAT_MERGED,
            uri=uri,
        )
        path = trainer.run.result(trainer.run.models.ExportModel, request).path
        exported.append(load_file(Path(path) / "model.safetensors"))
    for key, weight in exported[0].items():
        torch.testing.assert_close(weight, exported[1][key], rtol=TOLERANCE, atol=TOLERANCE)


def test_refusals_leave_the_processes_in_step(cluster: Cluster, tiny_llama_folder: Path) -> None:
    run = RunClient(cluster.channel, tiny_llama_folder, "refusals")
    policy = run.create()
    with refused(grpc.StatusCode.ALREADY_EXISTS, "'policy'"):
        run.create()
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "target_modules"):
        run.create("other", lora=models.LoraShape(rank=1, alpha=1.0, target_modules=["nothing"]))
    with refused(grpc.StatusCode.NOT_FOUND, "no checkpoint"):
        run.restore(common.CheckpointRef(uri="checkpoints/none", manifest_hash="0"))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "not a checkpoint"):
        (folder_of(cluster) / "checkpoints" / "mine").mkdir()
        run.models.DeleteCheckpoint(models.DeleteCheckpointRequest(mutation=run.mutation(), uri="checkpoints/mine"))
    kept = common.BatchInput(rows=ROWS, keep_as="kept")
    request = training.ForwardRequest(
        run_id=run.run_id, batch=kept, outputs=[training.OutputRequest(model=policy, output=training.OUTPUT_LOGPROBS)]
    )
    run.result(run.trainer.Forward, request)
    released = run.models.ReleaseAnswers(models.ReleaseAnswersRequest(mutation=run.mutation(), kept_batch_ids=["kept"]))
    assert released.batches_left == 0
    request.batch.CopyFrom(common.BatchInput(kept_batch_id="kept"))
    with refused(grpc.StatusCode.NOT_FOUND, "no kept batch"):
        run.result(run.trainer.Forward, request)
    again = RunClient(cluster.channel, tiny_llama_folder, "refusals", attempt="attempt-2")
    assert again.create().version.generation == 2  # the models of the first attempt are gone, everywhere
    assert again.step(again.create("second")).version.optimizer_step == 1


def test_the_server_says_how_many_processes_it_has(cluster: Cluster, tiny_llama_folder: Path) -> None:
    run = RunClient(cluster.channel, tiny_llama_folder, "info")
    assert run.models.GetServerInfo(models.GetServerInfoRequest()).processes == 2


def test_both_refuse_a_step_that_would_overflow(cluster: Cluster, tiny_llama_folder: Path) -> None:
    """Weights are sharded, so what overflows may be on one process only: both must decide alike, and serve on."""
    run = RunClient(cluster.channel, tiny_llama_folder, "overflow")
    for name, shape in (("adapter", {}), ("full", {"full": models.FullShape()})):
        ref = run.create(name, **shape)
        x = run.add_gradients(ref)
        growing = training.AdamW(learning_rate=10.0, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=100.0)
        with refused(grpc.StatusCode.ABORTED, f"model '{name}': a step of learning rate 10", "left as they were"):
            for _ in range(20):
                answer = run.trainer.OptimizerStep(run.step_request(ref, [x], adamw=growing))
                ref = common.ModelRef(model=name, version=answer.version)
                zero = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[0.0] * 6))
                request = run.gradient_request(ref, losses=[zero])
                run.result(run.trainer.ForwardBackward, request)
                x = request.mutation.request_id
        with refused(grpc.StatusCode.ABORTED, f"model '{name}'", "not finite"):
            run.save([ref], f"checkpoints/{name}-overflow")
        answer = run.trainer.OptimizerStep(run.step_request(ref, [x], adamw=ADAMW))
        assert answer.version.optimizer_step == ref.version.optimizer_step + 1


def test_a_released_gradient_counts_once_on_both(cluster: Cluster, tiny_llama_folder: Path) -> None:
    run = RunClient(cluster.channel, tiny_llama_folder, "released")
    ref = run.create()
    request = run.gradient_request(ref)
    x = request.mutation.request_id
    run.result(run.trainer.ForwardBackward, request)
    run.models.ReleaseAnswers(models.ReleaseAnswersRequest(mutation=run.mutation(), request_ids=[x]))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "accumulated on policy already"):
        run.result(run.trainer.ForwardBackward, request)
    run.trainer.OptimizerStep(run.step_request(ref, [x]))


def test_sigterm_ends_all_gracefully(cluster: Cluster) -> None:
    """The last test of this server."""
    workers = cluster.workers()
    cluster.terminate()
    assert not psutil.wait_procs(workers, HANGS_SECONDS)[1]
    log = cluster.log.read_text()
    assert "stopping: calls under way" in log
    assert "ends, and with it" not in log
    assert "as process 0 is gone" not in log
