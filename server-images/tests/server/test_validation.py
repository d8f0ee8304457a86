"""Malformed requests: refused before anything is computed, with field, index and value in the message."""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from server_client import ADAMW, LORA, ROWS, SPAN_TOKENS, RunClient, refused

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen import trainer_service_pb2 as training

INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNKNOWN_FIELD = b"\xfa\x7f\x01x"
"""Field 2047, of one byte."""


def version() -> common.ModelVersion:
    return common.ModelVersion(generation=1, optimizer_step=0, weights_hash="0")


POLICY = common.ModelRef(model="policy", version=version())


def rows(**fields: list[int]) -> common.TokenBatch:
    defaults: dict[str, Any] = {
        "token_ids": ROWS.token_ids,
        "row_lengths": ROWS.row_lengths,
        "span_starts": ROWS.span_starts,
        "span_lengths": ROWS.span_lengths,
    }
    return common.TokenBatch(**{**defaults, **fields})


class TestUnknownFields:
    @pytest.mark.parametrize(
        ("at", "named"),
        [
            (lambda request: request, "CreateModelRequest (drpo.v1.CreateModelRequest) has field 2047"),
            (lambda request: request.mutation, "CreateModelRequest.mutation (drpo.v1.Mutation)"),
            (lambda request: request.lora, "CreateModelRequest.lora (drpo.v1.LoraShape)"),
        ],
    )
    def test_in_a_mutation(self, run: RunClient, at: Any, named: str) -> None:
        request = run.create_request()
        at(request).MergeFromString(UNKNOWN_FIELD)
        with refused(INVALID, named, "schema_hash"):
            run.result(run.models.CreateModel, request)

    def test_deep_in_a_repeated_field(self, run: RunClient) -> None:
        request = run.gradient_request(run.create())
        request.losses.add().CopyFrom(request.losses[0])
        request.losses[1].cross_entropy.MergeFromString(UNKNOWN_FIELD)
        with refused(INVALID, "ForwardBackwardRequest.losses[1].cross_entropy (drpo.v1.CrossEntropyLoss)"):
            run.result(run.trainer.ForwardBackward, request)

    def test_in_a_call_without_side_effects(self, run: RunClient) -> None:
        request = models.GetServerInfoRequest()
        request.MergeFromString(UNKNOWN_FIELD)
        with refused(INVALID, "GetServerInfoRequest"):
            run.models.GetServerInfo(request)


class TestBatch:
    @pytest.mark.parametrize(
        ("batch", "parts"),
        [
            (common.BatchInput(), ("batch.source is missing", "rows, kept_batch_id")),
            (common.BatchInput(kept_batch_id=""), ("batch.kept_batch_id is missing",)),
            (common.BatchInput(kept_batch_id="a", keep_as="b"), ("batch.keep_as is set with kept_batch_id",)),
            (common.BatchInput(rows=common.TokenBatch()), ("batch.rows.row_lengths is empty",)),
            (common.BatchInput(rows=rows(row_lengths=[5, 6])), ("batch.rows.token_ids has 12 entries, not 11",)),
            (common.BatchInput(rows=rows(row_lengths=[12, 0])), ("batch.rows.row_lengths[1] is 0",)),
            (common.BatchInput(rows=rows(span_starts=[3])), ("batch.rows.span_starts has 1 entries, not 2",)),
            (common.BatchInput(rows=rows(span_lengths=[2, 4, 0])), ("batch.rows.span_lengths has 3 entries, not 2",)),
            (
                common.BatchInput(rows=rows(span_starts=[3, 0])),
                ("batch.rows.span_starts[1] is 0", "one position before"),
            ),
            (common.BatchInput(rows=rows(span_lengths=[3, 4])), ("the span of row 0 ends at 6", "has 5 tokens")),
        ],
    )
    def test_malformed_rows(self, run: RunClient, batch: common.BatchInput, parts: tuple[str, ...]) -> None:
        outputs = [training.OutputRequest(model=POLICY, output=training.OUTPUT_LOGPROBS)]
        with refused(INVALID, "ForwardRequest", *parts):
            run.result(run.trainer.Forward, training.ForwardRequest(run_id=run.run_id, batch=batch, outputs=outputs))

    @pytest.mark.parametrize(
        ("bad", "parts"),
        [
            (rows(token_ids=[*ROWS.token_ids[:11], 64]), ("token_ids[11] is 64", "has 64 tokens")),
            (
                common.TokenBatch(token_ids=[1] * 131, row_lengths=[2, 129], span_starts=[1, 1], span_lengths=[1, 1]),
                ("row_lengths[1] is 129", "at most 128 tokens"),
            ),
        ],
    )
    def test_rows_that_do_not_fit_the_base(
        self, run: RunClient, bad: common.TokenBatch, parts: tuple[str, ...]
    ) -> None:
        ref = run.create()
        outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS)]
        request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=bad), outputs=outputs)
        with refused(INVALID, "ForwardRequest.batch.rows", *parts):
            run.result(run.trainer.Forward, request)

    def test_longest_row_and_last_token_are_accepted(self, run: RunClient) -> None:
        ref = run.create()
        batch = common.TokenBatch(token_ids=[63] * 128, row_lengths=[128], span_starts=[127], span_lengths=[1])
        outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS)]
        request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=batch), outputs=outputs)
        assert len(run.result(run.trainer.Forward, request).outputs[0].values) == 1


class TestOutputs:
    @pytest.mark.parametrize(
        ("outputs", "parts"),
        [
            ([], ("ForwardRequest.outputs is empty",)),
            ([training.OutputRequest(model=POLICY)], ("outputs[0].output is missing", "LOGPROBS, ENTROPY")),
            ([training.OutputRequest(output=training.OUTPUT_VALUES)], ("outputs[0].model is missing",)),
            (
                [training.OutputRequest(model=POLICY, output=training.OUTPUT_LOGPROBS, temperature=-1)],
                ("outputs[0].temperature is -1", "at least 0"),
            ),
            (
                [training.OutputRequest(model=POLICY, output=training.OUTPUT_LOGPROBS, temperature=math.inf)],
                ("outputs[0].temperature is inf", "finite"),
            ),
            (
                [training.OutputRequest(model=common.ModelRef(model="../policy"), output=training.OUTPUT_LOGPROBS)],
                ("outputs[0].model.model is '../policy'",),
            ),
            (
                [
                    training.OutputRequest(
                        model=common.ModelRef(model="policy", version=common.ModelVersion(optimizer_step=2)),
                        output=training.OUTPUT_LOGPROBS,
                    )
                ],
                ("outputs[0].model.version is not complete",),
            ),
        ],
    )
    def test_malformed(self, run: RunClient, outputs: list[training.OutputRequest], parts: tuple[str, ...]) -> None:
        request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=outputs)
        with refused(INVALID, *parts):
            run.result(run.trainer.Forward, request)

    def test_enum_value_of_a_later_schema(self, run: RunClient) -> None:
        output = training.OutputRequest(model=POLICY)
        output.MergeFromString(b"\x10\x63")  # output = 99
        request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=[output])
        with refused(INVALID, "outputs[0].output is 99, which this server does not know"):
            run.result(run.trainer.Forward, request)

    @pytest.mark.parametrize("output", [training.OUTPUT_VALUES, training.OUTPUT_SCORES])
    def test_head_that_does_not_compute_it(self, run: RunClient, output: training.Output) -> None:
        outputs = [training.OutputRequest(model=run.create(), output=output)]
        request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=outputs)
        with refused(INVALID, "outputs[0]", "scalar head", "'policy' has a language-model head"):
            run.result(run.trainer.Forward, request)


ONES = [1.0] * SPAN_TOKENS
NAN_AT_4 = [*ONES[:4], math.nan, 1.0]
SHORT = ONES[:3]


def dpo(**fields: Any) -> training.DpoLoss:
    """One comparison of the two rows, with some fields as they should not be."""
    valid: dict[str, Any] = {
        "reference_logprobs": ONES,
        "preferred_rows": [0],
        "rejected_rows": [1],
        "weights": [1.0],
        "beta": 0.1,
    }
    return training.DpoLoss(**{**valid, **fields})


def log_ratio_difference(**fields: Any) -> training.LogRatioDifferenceLoss:
    """One pair of the two rows, with some fields as they should not be."""
    valid: dict[str, Any] = {
        "base_logprobs": ONES,
        "first_rows": [0],
        "second_rows": [1],
        "targets": [0.5],
        "weights": [1.0],
    }
    return training.LogRatioDifferenceLoss(**{**valid, **fields})


class TestLosses:
    @pytest.mark.parametrize(
        ("kind", "loss", "parts"),
        [
            ("cross_entropy", training.CrossEntropyLoss(weights=SHORT), ("weights has 3 entries, not 6",)),
            ("cross_entropy", training.CrossEntropyLoss(weights=NAN_AT_4), ("weights[4] is nan", "finite")),
            (
                "clipped_surrogate",
                training.ClippedSurrogateLoss(old_logprobs=ONES, advantages=SHORT, weights=ONES),
                ("advantages has 3 entries, not 6",),
            ),
            (
                "clipped_surrogate",
                training.ClippedSurrogateLoss(old_logprobs=ONES, advantages=ONES, weights=ONES, clip_low=-0.5),
                ("clip_low is -0.5", "at least 0"),
            ),
            (
                "clipped_value",
                training.ClippedValueLoss(old_values=ONES, returns=NAN_AT_4, weights=ONES),
                ("returns[4] is nan",),
            ),
            (
                "bradley_terry",
                training.BradleyTerryLoss(preferred_rows=[0], rejected_rows=[2], weights=[1.0]),
                ("rejected_rows[0] is 2", "2 rows"),
            ),
            (
                "bradley_terry",
                training.BradleyTerryLoss(preferred_rows=[0, 1], rejected_rows=[1, 1], weights=[1.0, 1.0]),
                ("rejected_rows[1] is 1", "with itself"),
            ),
            (
                "bradley_terry",
                training.BradleyTerryLoss(preferred_rows=[0], rejected_rows=[1], weights=[]),
                ("preferred_rows has 1 entries, not 0",),
            ),
            (
                "ranked_group",
                training.RankedGroupLoss(group_sizes=[3], ratings=[1.0, 2.0], weights=[1.0]),
                ("group_sizes sums to 3", "2 rows"),
            ),
            (
                "ranked_group",
                training.RankedGroupLoss(group_sizes=[2], ratings=[1.0], weights=[1.0]),
                ("ratings has 1 entries, not 2",),
            ),
            (
                "squared_error",
                training.SquaredErrorLoss(output=training.OUTPUT_LOGPROBS, targets=ONES, weights=ONES),
                ("output is 1", "VALUES, SCORES"),
            ),
            (
                "squared_error",
                training.SquaredErrorLoss(output=training.OUTPUT_SCORES, targets=ONES, weights=ONES),
                ("targets has 6 entries, not 2", "row"),
            ),
            ("kl", training.KlLoss(reference_logprobs=ONES, weights=ONES), ("estimator is missing", "K1, K2, K3")),
            (
                "linear",
                training.LinearLoss(output=training.OUTPUT_ENTROPY, coefficients=ONES),
                ("output is 2", "LOGPROBS, VALUES, SCORES"),
            ),
            ("dpo", dpo(reference_logprobs=SHORT), ("reference_logprobs has 3 entries, not 6", "span token")),
            ("dpo", dpo(reference_logprobs=NAN_AT_4), ("reference_logprobs[4] is nan", "finite")),
            ("dpo", dpo(preferred_rows=[0, 1]), ("preferred_rows has 2 entries, not 1", "comparison")),
            ("dpo", dpo(rejected_rows=[]), ("rejected_rows has 0 entries, not 1", "comparison")),
            ("dpo", dpo(preferred_rows=[2]), ("preferred_rows[0] is 2", "2 rows")),
            ("dpo", dpo(rejected_rows=[0]), ("rejected_rows[0] is 0", "with itself")),
            ("dpo", dpo(weights=[math.inf]), ("weights[0] is inf", "finite")),
            ("dpo", dpo(beta=0.0), ("beta is 0", "above 0")),
            ("dpo", dpo(beta=math.nan), ("beta is nan", "finite")),
            ("dpo", dpo(label_smoothing=-0.25), ("label_smoothing is -0.25", "at least 0")),
            ("dpo", dpo(label_smoothing=0.75), ("label_smoothing is 0.75", "at most 0.5")),
            (
                "log_ratio_difference",
                log_ratio_difference(base_logprobs=SHORT),
                ("base_logprobs has 3 entries, not 6", "span token"),
            ),
            (
                "log_ratio_difference",
                log_ratio_difference(targets=[0.5, 1.0]),
                ("targets has 2 entries, not 1", "pair"),
            ),
            ("log_ratio_difference", log_ratio_difference(targets=[math.nan]), ("targets[0] is nan", "finite")),
            (
                "log_ratio_difference",
                log_ratio_difference(weights=[]),
                ("targets has 1 entries, not 0", "as weights does"),
            ),
            ("log_ratio_difference", log_ratio_difference(first_rows=[7]), ("first_rows[0] is 7", "2 rows")),
            (
                "log_ratio_difference",
                log_ratio_difference(first_rows=[0, 1]),
                ("first_rows has 2 entries, not 1", "pair"),
            ),
            ("log_ratio_difference", log_ratio_difference(second_rows=[0]), ("second_rows[0] is 0", "with itself")),
        ],
    )
    def test_malformed(self, run: RunClient, kind: str, loss: Message, parts: tuple[str, ...]) -> None:
        losses = [training.ModelLoss(model=POLICY, **{kind: loss})]  # type: ignore[arg-type]
        with refused(INVALID, f"ForwardBackwardRequest.losses[0].{kind}", *parts):
            run.result(run.trainer.ForwardBackward, run.gradient_request(POLICY, losses=losses))

    def test_loss_is_missing(self, run: RunClient) -> None:
        losses = [training.ModelLoss(model=POLICY)]
        with refused(INVALID, "losses[0].loss is missing", "cross_entropy", "linear"):
            run.result(run.trainer.ForwardBackward, run.gradient_request(POLICY, losses=losses))

    def test_version_is_missing(self, run: RunClient) -> None:
        ref = common.ModelRef(model="policy")
        with refused(INVALID, "losses[0].model.version is missing"):
            run.result(run.trainer.ForwardBackward, run.gradient_request(ref))

    def test_head_that_does_not_compute_it(self, run: RunClient) -> None:
        with refused(INVALID, "losses[0].cross_entropy", "logprobs need a language-model head"):
            run.result(run.trainer.ForwardBackward, run.gradient_request(run.critic()))

    @pytest.mark.parametrize(
        "loss",
        [training.ModelLoss(dpo=dpo()), training.ModelLoss(log_ratio_difference=log_ratio_difference())],
        ids=["dpo", "log_ratio_difference"],
    )
    def test_losses_of_summed_log_probs(self, run: RunClient, loss: training.ModelLoss) -> None:
        """What the cases above break is accepted whole, by a language model and by no critic."""
        losses = [training.ModelLoss(model=run.create()), training.ModelLoss(model=run.critic())]
        for one in losses:
            one.MergeFrom(loss)
        [answer] = run.result(run.trainer.ForwardBackward, run.gradient_request(POLICY, losses=losses[:1])).losses
        assert len(answer.outputs) == SPAN_TOKENS
        assert answer.loss > 0
        with refused(INVALID, f"losses[0].{loss.WhichOneof('loss')}", "logprobs need a language-model head"):
            run.result(run.trainer.ForwardBackward, run.gradient_request(POLICY, losses=losses[1:]))


class TestOptimizerStep:
    @pytest.mark.parametrize(
        ("fields", "part"),
        [
            ({"learning_rate": -0.1}, "adamw.learning_rate is -0.1"),
            ({"learning_rate": math.nan}, "adamw.learning_rate is nan"),
            ({"beta1": 1.0}, "adamw.beta1 is 1: it must be below 1"),
            ({"beta2": -0.5}, "adamw.beta2 is -0.5"),
            ({"epsilon": 0.0}, "adamw.epsilon is 0: it must be above 0"),
            ({"weight_decay": math.inf}, "adamw.weight_decay is inf"),
        ],
    )
    def test_malformed_adamw(self, run: RunClient, fields: dict[str, float], part: str) -> None:
        adamw = training.AdamW()
        adamw.CopyFrom(ADAMW)
        for name, value in fields.items():
            setattr(adamw, name, value)
        with refused(INVALID, part):
            run.trainer.OptimizerStep(run.step_request(POLICY, ["1-1"], adamw=adamw))

    @pytest.mark.parametrize(
        ("fields", "part"),
        [
            ({"adamw": None}, "OptimizerStepRequest.adamw is missing"),
            ({"max_gradient_norm": math.inf}, "max_gradient_norm is inf"),
            ({"forward_backward_request_ids": []}, "forward_backward_request_ids is empty"),
            ({"forward_backward_request_ids": ["a", "a"]}, "forward_backward_request_ids[1] is 'a', for the second"),
            ({"forward_backward_request_ids": ["a", ""]}, "forward_backward_request_ids[1] is missing"),
        ],
    )
    def test_malformed(self, run: RunClient, fields: dict[str, Any], part: str) -> None:
        with refused(INVALID, part):
            run.trainer.OptimizerStep(run.step_request(POLICY, ["1-1"], **fields))


class TestSampling:
    @pytest.mark.parametrize(
        ("fields", "part"),
        [
            ({"contexts": []}, "SampleRolloutsRequest.contexts is empty"),
            ({"params": None}, "SampleRolloutsRequest.params is missing"),
            ({"params": samples.SamplingParams(top_p=1)}, "params.temperature is 0: it must be above 0"),
            ({"params": samples.SamplingParams(temperature=1)}, "params.top_p is 0: it must be above 0"),
            ({"params": samples.SamplingParams(temperature=1, top_p=1.5)}, "params.top_p is 1.5: it must be at most 1"),
            (
                {"contexts": [samples.SampleContext(max_new_tokens=1, seeds=[1])]},
                "contexts[0].token_ids is empty",
            ),
            ({"contexts": [samples.SampleContext(token_ids=[1], seeds=[1])]}, "contexts[0].max_new_tokens is 0"),
            ({"contexts": [samples.SampleContext(token_ids=[1], max_new_tokens=1)]}, "contexts[0].seeds is empty"),
            ({"run_id": ""}, "SampleRolloutsRequest.run_id is missing"),
        ],
    )
    def test_malformed(self, run: RunClient, fields: dict[str, Any], part: str) -> None:
        with refused(INVALID, part):
            run.answers(run.sampler.SampleRollouts, run.sample_request(POLICY, **fields))

    @pytest.mark.parametrize(
        ("fields", "part"),
        [
            (
                {"contexts": [samples.SampleContext(token_ids=[1, 64], max_new_tokens=1, seeds=[1])]},
                "contexts[0].token_ids[1] is 64",
            ),
            (
                {"contexts": [samples.SampleContext(token_ids=[1], max_new_tokens=128, seeds=[1])]},
                "contexts[0] has 1 tokens and max_new_tokens 128",
            ),
            (
                {"params": samples.SamplingParams(temperature=1, top_p=1, stop_token_ids=[64])},
                "params.stop_token_ids[0] is 64",
            ),
        ],
    )
    def test_what_does_not_fit_the_base(self, run: RunClient, fields: dict[str, Any], part: str) -> None:
        with refused(INVALID, part):
            run.answers(run.sampler.SampleRollouts, run.sample_request(run.create(), **fields))


class TestCreateModel:
    @pytest.mark.parametrize(
        ("fields", "part"),
        [
            ({"model": ""}, "CreateModelRequest.model is ''"),
            ({"model": ".hidden"}, "CreateModelRequest.model is '.hidden'"),
            ({"model": "a/b"}, "CreateModelRequest.model is 'a/b'"),
            ({"base": ""}, "CreateModelRequest.base is missing"),
            ({"head": models.HEAD_UNSPECIFIED}, "CreateModelRequest.head is missing"),
            ({"lora": None}, "CreateModelRequest.shape is missing: set one of lora, full"),
            ({"lora": models.LoraShape(alpha=1)}, "CreateModelRequest.lora.rank is 0"),
            ({"lora": models.LoraShape(rank=2)}, "CreateModelRequest.lora.alpha is 0: it must be above 0"),
            (
                {"lora": models.LoraShape(rank=2, alpha=1, target_modules=["q_proj", "q_proj"])},
                "lora.target_modules[1] is 'q_proj', for the second time",
            ),
            ({"lora": models.LoraShape(rank=2, alpha=1, target_modules=["qproj"])}, "'qproj'"),
            ({"lora": models.LoraShape(rank=2, alpha=1, last_blocks=5)}, "last_blocks is 5; the base has 4 blocks"),
            ({"copy_of": ""}, "CreateModelRequest.copy_of is empty"),
            ({"reset_head": True}, "CreateModelRequest.reset_head is set without copy_of"),
        ],
    )
    def test_malformed(self, run: RunClient, fields: dict[str, Any], part: str) -> None:
        with refused(INVALID, part):
            run.create(**{"model": "policy", **fields})

    def test_copy_of_another_shape(self, run: RunClient) -> None:
        run.create()
        with refused(INVALID, "'copy' cannot copy 'policy'"):
            run.create("copy", copy_of="policy", lora=models.LoraShape(rank=4, alpha=4.0, last_blocks=2))

    def test_adapter_that_is_not_there(self, run: RunClient) -> None:
        with refused(grpc.StatusCode.NOT_FOUND, "nowhere"):
            run.create(peft_adapter="nowhere")

    def test_base_that_is_no_model(self, run: RunClient, tmp_path: Any) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "bert"}')
        (tmp_path / "model.safetensors").write_bytes(b"")
        with refused(INVALID, "CreateModelRequest.base", "bert"):
            run.create(base=str(tmp_path))

    def test_names_and_generations(self, run: RunClient) -> None:
        first = run.create()
        with refused(grpc.StatusCode.ALREADY_EXISTS, "run 'run' has a model 'policy' already", "delete it first"):
            run.create()
        run.models.DeleteModel(models.DeleteModelRequest(mutation=run.mutation(), model="policy"))
        again = run.create()
        assert (first.version.generation, again.version.generation) == (1, 2)
        assert first.version.weights_hash == again.version.weights_hash
        assert LORA.rank == 2


class TestUris:
    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "one",
            "elsewhere/one",
            "checkpoints",
            "checkpoints/",
            "checkpoints/../one",
            "checkpoints/.one",
            "checkpoints//one",
            "/checkpoints/one",
            "checkpoints/a b",
            "stages/one/..",
            "checkpoints/one\n",
        ],
    )
    def test_malformed(self, run: RunClient, uri: str) -> None:
        with refused(INVALID, f"SaveCheckpointRequest.uri is {uri!r}"):
            run.save([POLICY], uri)
        with refused(INVALID, f"DeleteCheckpointRequest.uri is {uri!r}"):
            run.models.DeleteCheckpoint(models.DeleteCheckpointRequest(mutation=run.mutation(), uri=uri))
        with refused(INVALID, f"RestoreCheckpointRequest.checkpoint.uri is {uri!r}"):
            run.restore(common.CheckpointRef(uri=uri, manifest_hash="0"))

    def test_models_are_named_once(self, run: RunClient) -> None:
        with refused(INVALID, "SaveCheckpointRequest.models[1] is 'policy', for the second time"):
            run.save([POLICY, POLICY])


class TestMutation:
    @pytest.mark.parametrize(
        ("field", "value", "part"),
        [
            ("run_id", "", "mutation.run_id is missing"),
            ("request_id", "", "mutation.request_id is missing"),
            ("fence", 0, "mutation.fence is missing: call AcquireRun"),
            ("request_id", "x" * 513, "mutation.request_id has 513 characters"),
        ],
    )
    def test_malformed(self, run: RunClient, field: str, value: Any, part: str) -> None:
        request = run.create_request()
        setattr(request.mutation, field, value)
        with refused(INVALID, f"CreateModelRequest.{part}"):
            run.result(run.models.CreateModel, request)

    def test_acquire_names_run_and_attempt(self, run: RunClient) -> None:
        with refused(INVALID, "AcquireRunRequest.run_id is missing"):
            run.models.AcquireRun(models.AcquireRunRequest(request_id="a"))
        with refused(INVALID, "AcquireRunRequest.request_id is missing"):
            run.models.AcquireRun(models.AcquireRunRequest(run_id="a"))
