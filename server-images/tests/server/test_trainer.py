"""TrainerService: outputs, gradients, optimiser steps and kept batches over the wire."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import torch
from device import DEVICE
from server_client import ADAMW, ROWS, SPAN_TOKENS, RunClient, refused

from drpo_server.engine.engine import Engine
from drpo_server.engine.types import AdamW, Batch, CrossEntropy, Head, LoraShape, ModelLoss, Output, OutputRequest
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import trainer_service_pb2 as training

STATUS = grpc.StatusCode


def ignore(_done: int, _total: int) -> None:
    pass


class TestAgainstTheEngine:
    """What comes over the wire is what the engine computes."""

    def test_forward_backward_and_step(self, run: RunClient, tiny_llama_folder: Path) -> None:
        engine = Engine(DEVICE)
        model = engine.create_model(
            name="policy",
            base=tiny_llama_folder,
            lora=LoraShape(rank=2, alpha=4.0, last_blocks=2),
            head=Head.LANGUAGE_MODEL,
            trainable=True,
            seed=7,
        )
        batch = Batch(
            *(
                torch.tensor(list(field))
                for field in (ROWS.token_ids, ROWS.row_lengths, ROWS.span_starts, ROWS.span_lengths)
            )
        )
        ref = run.create()
        assert ref.version.weights_hash == model.weights_hash()

        [expected] = engine.forward(batch, [OutputRequest(model, Output.LOGPROBS)], ignore)
        assert run.logprobs(ref) == expected.tolist()

        [loss] = engine.forward_backward(batch, [ModelLoss(model, CrossEntropy(torch.ones(SPAN_TOKENS)))], ignore)
        request = run.gradient_request(ref)
        [answer] = run.result(run.trainer.ForwardBackward, request).losses
        assert (answer.loss, list(answer.outputs)) == (loss.loss, loss.outputs.tolist())

        norm = engine.optimizer_step(model, AdamW(0.01, 0.9, 0.95, 1e-8, 0.0), 1.0)
        stepped = run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))
        assert stepped.gradient_norm == norm
        assert stepped.version == common.ModelVersion(generation=1, optimizer_step=1, weights_hash=model.weights_hash())
        assert stepped.version.weights_hash != ref.version.weights_hash


class TestForward:
    def test_many_outputs_in_the_order_asked_for(self, run: RunClient) -> None:
        policy, critic = run.step(run.create()), run.critic()
        kinds = [
            (critic, training.OUTPUT_SCORES, 2),
            (policy, training.OUTPUT_ENTROPY, SPAN_TOKENS),
            (critic, training.OUTPUT_VALUES, SPAN_TOKENS),
            (policy, training.OUTPUT_LOGPROBS, SPAN_TOKENS),
        ]
        result = run.result(
            run.trainer.Forward,
            training.ForwardRequest(
                run_id=run.run_id,
                batch=common.BatchInput(rows=ROWS),
                outputs=[training.OutputRequest(model=ref, output=output) for ref, output, _ in kinds],
            ),
        )
        assert [len(output.values) for output in result.outputs] == [length for *_, length in kinds]
        assert list(result.outputs[3].values) == pytest.approx(run.logprobs(policy), abs=1e-5)
        assert all(value < 0 for value in result.outputs[3].values)
        assert all(value > 0 for value in result.outputs[1].values)

    def test_version_may_be_left_out(self, run: RunClient) -> None:
        ref = run.create()
        assert run.logprobs(common.ModelRef(model="policy")) == run.logprobs(ref)

    def test_stale_version_is_refused(self, run: RunClient) -> None:
        ref = run.create()
        run.step(ref)
        with refused(STATUS.FAILED_PRECONDITION, "optimiser step 1", "optimiser step 0"):
            run.logprobs(ref)

    def test_temperature_0_means_1(self, run: RunClient) -> None:
        ref = run.create()

        def at(temperature: float) -> list[float]:
            outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS, temperature=temperature)]
            request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=outputs)
            return list(run.result(run.trainer.Forward, request).outputs[0].values)

        assert at(0) == at(1)
        assert at(0) != at(2)


class TestKeptBatches:
    def forward(self, run: RunClient, batch: common.BatchInput) -> list[float]:
        request = training.ForwardRequest(
            run_id=run.run_id,
            batch=batch,
            outputs=[training.OutputRequest(model=common.ModelRef(model="policy"), output=training.OUTPUT_LOGPROBS)],
        )
        return list(run.result(run.trainer.Forward, request).outputs[0].values)

    def test_kept_rows_are_the_rows(self, run: RunClient) -> None:
        run.create()
        sent = self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))
        assert self.forward(run, common.BatchInput(kept_batch_id="rows")) == pytest.approx(sent, abs=1e-6)

    def test_keeping_the_same_rows_again_is_no_error(self, run: RunClient) -> None:
        run.create()
        for _ in range(2):
            self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))

    def test_other_rows_under_the_name_are_refused(self, run: RunClient) -> None:
        run.create()
        self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))
        other = common.TokenBatch(token_ids=[5, 6], row_lengths=[2], span_starts=[1], span_lengths=[1])
        with refused(STATUS.INVALID_ARGUMENT, "'rows' names other rows", "choose another name"):
            self.forward(run, common.BatchInput(rows=other, keep_as="rows"))

    def test_released_batch_is_gone(self, run: RunClient) -> None:
        run.create()
        self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))
        run.models.ReleaseAnswers(
            models.ReleaseAnswersRequest(mutation=run.mutation(), kept_batch_ids=["rows", "never-kept"])
        )
        with refused(STATUS.NOT_FOUND, "no kept batch 'rows'", "Send the rows again"):
            self.forward(run, common.BatchInput(kept_batch_id="rows"))

    def test_batch_of_an_earlier_holder_is_gone(self, run: RunClient, channel: grpc.Channel) -> None:
        run.create()
        self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))
        new = RunClient(channel, Path(run.base), attempt="attempt-2")
        new.create()
        with refused(STATUS.NOT_FOUND, "no kept batch 'rows'"):
            self.forward(new, common.BatchInput(kept_batch_id="rows"))

    def test_arrays_must_fit_the_kept_batch(self, run: RunClient) -> None:
        ref = run.create()
        self.forward(run, common.BatchInput(rows=ROWS, keep_as="rows"))
        loss = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[1.0]))
        with refused(STATUS.INVALID_ARGUMENT, "losses[0].cross_entropy.weights has 1 entries, not 6"):
            run.result(
                run.trainer.ForwardBackward,
                run.gradient_request(ref, batch=common.BatchInput(kept_batch_id="rows"), losses=[loss]),
            )


class TestOptimizerStep:
    def test_wants_exactly_the_gradients_that_are_there(self, run: RunClient) -> None:
        ref = run.create()
        first, second = run.add_gradients(ref), run.add_gradients(ref)
        with refused(STATUS.FAILED_PRECONDITION, f"not named: {second}"):
            run.trainer.OptimizerStep(run.step_request(ref, [first]))
        with refused(STATUS.FAILED_PRECONDITION, "missing or failed: never-sent"):
            run.trainer.OptimizerStep(run.step_request(ref, [first, second, "never-sent"]))
        assert run.trainer.OptimizerStep(run.step_request(ref, [first, second])).version.optimizer_step == 1

    def test_failed_forward_backward_counts_as_missing(self, run: RunClient) -> None:
        ref = run.create()
        request = run.gradient_request(ref, batch=common.BatchInput(kept_batch_id="nothing"))
        with refused(STATUS.NOT_FOUND, "'nothing'"):
            run.result(run.trainer.ForwardBackward, request)
        with refused(STATUS.FAILED_PRECONDITION, f"missing or failed: {request.mutation.request_id}"):
            run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))

    def test_gradients_are_used_once(self, run: RunClient) -> None:
        ref = run.create()
        request_id = run.add_gradients(ref)
        stepped = run.trainer.OptimizerStep(run.step_request(ref, [request_id]))
        ref.version.CopyFrom(stepped.version)
        with refused(STATUS.FAILED_PRECONDITION, f"missing or failed: {request_id}"):
            run.trainer.OptimizerStep(run.step_request(ref, [request_id]))

    def test_one_call_gives_gradients_to_each_of_its_models(self, run: RunClient) -> None:
        policy, critic = run.create(), run.critic()
        request = run.gradient_request(policy)
        request.losses.add(
            model=critic,
            squared_error=training.SquaredErrorLoss(
                output=training.OUTPUT_VALUES, targets=[1.0] * SPAN_TOKENS, weights=[1.0] * SPAN_TOKENS
            ),
        )
        run.result(run.trainer.ForwardBackward, request)
        for ref in (policy, critic):
            step = run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))
            assert step.version.optimizer_step == 1
            assert step.gradient_norm > 0

    def test_gradients_that_are_not_finite_are_aborted(self, run: RunClient) -> None:
        ref = run.create()
        huge = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[3e38] * SPAN_TOKENS))
        request = run.gradient_request(ref, losses=[huge])
        run.result(run.trainer.ForwardBackward, request)
        with refused(STATUS.ABORTED, "Lower the learning rate"):
            run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))
        assert run.logprobs(ref)  # still at its version


class TestFrozenModel:
    def test_takes_no_loss(self, run: RunClient) -> None:
        ref = run.create("reference", trainable=False)
        with refused(STATUS.INVALID_ARGUMENT, "losses[0].cross_entropy: model 'reference' is frozen"):
            run.result(run.trainer.ForwardBackward, run.gradient_request(ref))

    def test_takes_no_step(self, run: RunClient) -> None:
        ref = run.create("reference", trainable=False)
        with refused(STATUS.INVALID_ARGUMENT, "'reference' is frozen"):
            run.trainer.OptimizerStep(run.step_request(ref, ["1-1"], adamw=ADAMW))
