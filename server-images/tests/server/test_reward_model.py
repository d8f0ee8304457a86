"""RewardModelService: scores are the trainer's, spans are not needed."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import torch
from server_client import ROWS, RunClient, refused
from transformers import LlamaForSequenceClassification

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import reward_model_service_pb2 as rewards
from drpo_server.proto_gen import trainer_service_pb2 as training

BARE = common.TokenBatch(token_ids=ROWS.token_ids, row_lengths=ROWS.row_lengths)


def scores(run: RunClient, ref: common.ModelRef, rows: common.TokenBatch = BARE) -> list[float]:
    request = rewards.ScoreRolloutsRequest(run_id=run.run_id, model=ref, rows=rows)
    return list(run.result(run.rewards.ScoreRollouts, request).scores)


def test_scores_are_those_of_the_classifier(run: RunClient, tiny_classifier_folder: Path) -> None:
    ref = run.critic("reward-model", base=str(tiny_classifier_folder), trainable=False)
    classifier = LlamaForSequenceClassification.from_pretrained(tiny_classifier_folder)
    start, expected = 0, []
    for length in ROWS.row_lengths:
        row = torch.tensor([list(ROWS.token_ids[start : start + length])])
        expected.append(classifier(row).logits.item())
        start += length
    assert scores(run, ref) == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 6) for score in expected}) == 2


def test_scores_are_those_of_the_trainer(run: RunClient, tiny_classifier_folder: Path) -> None:
    ref = run.critic(base=str(tiny_classifier_folder))
    outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_SCORES)]
    request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=outputs)
    assert scores(run, ref) == list(run.result(run.trainer.Forward, request).outputs[0].values)


def test_version_may_be_left_out(run: RunClient) -> None:
    run.critic("reward-model", trainable=False)
    assert scores(run, common.ModelRef(model="reward-model")) == [0.0, 0.0]


def test_language_model_head_has_no_score(run: RunClient) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "scores need a scalar head", "'policy' has a language-model head"):
        scores(run, run.create())


def test_rows_are_checked(run: RunClient) -> None:
    ref = run.critic()
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "rows.token_ids[1] is 64", "has 64 tokens"):
        scores(run, ref, common.TokenBatch(token_ids=[5, 64], row_lengths=[2]))
