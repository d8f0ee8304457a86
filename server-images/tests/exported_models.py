"""Models of a server's run, exported, and what they compute in other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from server_client import ROWS, RunClient

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import trainer_service_pb2 as training

ADAPTER, MERGED = models.EXPORT_FORMAT_PEFT_ADAPTER, models.EXPORT_FORMAT_MERGED


def export(run: RunClient, ref: common.ModelRef, export_format: models.ExportFormat, uri: str = "stages/out") -> Path:
    request = models.ExportModelRequest(mutation=run.mutation(), model=ref, format=export_format, uri=uri)
    result = run.result(run.models.ExportModel, request)
    folder = Path(result.path)
    assert result.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return folder


def rows() -> list[torch.Tensor]:
    return [torch.tensor([row.tolist()]) for row in torch.tensor(list(ROWS.token_ids)).split(list(ROWS.row_lengths))]


def logprobs_of(model: torch.nn.Module) -> list[float]:
    """The spans of ROWS, by plain forward passes."""
    values: list[float] = []
    for row, start, length in zip(rows(), ROWS.span_starts, ROWS.span_lengths, strict=True):
        with torch.no_grad():
            logprobs = model(row).logits[0].log_softmax(-1)
        values += [logprobs[at - 1, row[0, at]].item() for at in range(start, start + length)]
    return values


def trained_critic(run: RunClient, **fields: Any) -> common.ModelRef:
    ref = run.critic(**fields)
    loss = training.ModelLoss(
        model=ref,
        squared_error=training.SquaredErrorLoss(output=training.OUTPUT_SCORES, targets=[1.0, -2.0], weights=[1.0, 1.0]),
    )
    request = run.gradient_request(ref, losses=[loss])
    run.result(run.trainer.ForwardBackward, request)
    stepped = run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))
    return common.ModelRef(model=ref.model, version=stepped.version)


def scores(run: RunClient, ref: common.ModelRef) -> list[float]:
    outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_SCORES)]
    request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=ROWS), outputs=outputs)
    return list(run.result(run.trainer.Forward, request).outputs[0].values)


def bias_of(folder: Path) -> float:
    return float(json.loads((folder / "manifest.json").read_bytes())["score_bias"])
