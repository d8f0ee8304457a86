"""Plans of memory."""

from __future__ import annotations

from drpo_server.bases import Bases
from drpo_server.memory_plan.answer import PlanAnswer
from drpo_server.memory_plan.request import PlannedModel, Workload
from drpo_server.proto_gen import model_service_pb2 as pb
from drpo_server.wire.fields import decode_name, refuse_duplicates
from drpo_server.wire.shapes import decode_head, decode_shape


def decode_planned_models(request: pb.PlanMemoryRequest, bases: Bases) -> list[PlannedModel]:
    """Raises NotFound for a base that is not there."""
    models = [
        _decode_model(item, f"PlanMemoryRequest.models[{index}]", bases) for index, item in enumerate(request.models)
    ]
    refuse_duplicates([model.name for model in models], "PlanMemoryRequest.models")
    return models


def _decode_model(message: pb.PlannedModel, where: str, bases: Bases) -> PlannedModel:
    return PlannedModel(
        name=decode_name(message.model, f"{where}.model"),
        base=bases.folder(message.base, f"{where}.base"),
        lora=decode_shape(message, where),
        head=decode_head(message, where),
        trainable=message.trainable,
    )


def decode_workload(request: pb.PlanMemoryRequest) -> Workload:
    return Workload(
        training_row_tokens=request.training_row_tokens,
        kept_rows=request.kept_rows,
        sampling_rows=request.sampling_rows,
        sampling_row_tokens=max(1, request.sampling_row_tokens),
    )


def encode_plan(answer: PlanAnswer) -> pb.PlanMemoryResponse:
    plan = answer.plan
    return pb.PlanMemoryResponse(
        items=[pb.MemoryItem(kind=item.kind, owner=item.owner, bytes=item.bytes) for item in plan.items],
        total_bytes=plan.total_bytes,
        available_bytes=answer.available,
        fits=plan.total_bytes <= answer.available,
        advice=answer.advice,
    )
