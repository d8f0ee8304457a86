"""The losses of TrainerService: what a client may send, and whether it fits the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drpo_server.engine import types
from drpo_server.engine.losses import output_of
from drpo_server.engine.types import Batch, KlEstimator, Loss, Output
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import trainer_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import ModelRef
from drpo_server.wire.fields import check_length, decode_enum, finite, floats, integers, refuse_first, which
from drpo_server.wire.outputs import OUTPUTS, decode_temperature, output_layout
from drpo_server.wire.references import decode_model_ref

_ESTIMATORS: dict[int, KlEstimator] = {
    pb.KL_ESTIMATOR_K1: KlEstimator.K1,
    pb.KL_ESTIMATOR_K2: KlEstimator.K2,
    pb.KL_ESTIMATOR_K3: KlEstimator.K3,
}
_FITTED: dict[int, Output] = {value: OUTPUTS[value] for value in (pb.OUTPUT_VALUES, pb.OUTPUT_SCORES)}
_WEIGHED: dict[int, Output] = {
    value: OUTPUTS[value] for value in (pb.OUTPUT_LOGPROBS, pb.OUTPUT_VALUES, pb.OUTPUT_SCORES)
}


@dataclass(frozen=True)
class DecodedLoss:
    ref: ModelRef
    loss: Loss
    temperature: float
    where: str
    """Path of the loss itself, such as ForwardBackwardRequest.losses[0].clipped_surrogate."""


def decode_loss(message: pb.ModelLoss, where: str) -> DecodedLoss:
    """Finite numbers and known enums; whether the arrays fit the batch is check_loss_fits's to say."""
    ref = decode_model_ref(message, "model", where)
    temperature = decode_temperature(message.temperature, where)
    kind = which(message, "loss", where)
    where = f"{where}.{kind}"
    return DecodedLoss(ref, _DECODERS[kind](getattr(message, kind), where), temperature, where)


def check_loss_fits(decoded: DecodedLoss, batch: Batch) -> None:
    """Raises InvalidArgument unless every array of the loss has the batch's layout."""
    loss, where = decoded.loss, decoded.where
    length, layout = output_layout(output_of(loss), batch)
    for name in _ARRAYS[type(loss)]:
        check_length(len(getattr(loss, name)), length, f"{where}.{name}", layout)
    rows = len(batch.row_lengths)
    match loss:
        case types.BradleyTerry() | types.Dpo():
            _check_pairs(loss, ("preferred_rows", "rejected_rows"), "comparison", rows, where)
        case types.LogRatioDifference():
            check_length(len(loss.targets), len(loss.weights), f"{where}.targets", "pair, as weights does")
            _check_pairs(loss, ("first_rows", "second_rows"), "pair", rows, where)
        case types.RankedGroup():
            _check_groups(loss, rows, where)
        case _:
            pass


_ARRAYS: dict[type[Loss], tuple[str, ...]] = {
    types.CrossEntropy: ("weights",),
    types.ClippedSurrogate: ("old_logprobs", "advantages", "weights"),
    types.ClippedValue: ("old_values", "returns", "weights"),
    types.SquaredError: ("targets", "weights"),
    types.Kl: ("reference_logprobs", "weights"),
    types.Linear: ("coefficients",),
    types.BradleyTerry: (),
    types.RankedGroup: ("ratings",),
    types.Dpo: ("reference_logprobs",),
    types.LogRatioDifference: ("base_logprobs",),
}
"""Those in the layout of what the loss is computed from."""


def _check_pairs(
    loss: types.BradleyTerry | types.Dpo | types.LogRatioDifference,
    names: tuple[str, str],
    what: str,
    rows: int,
    where: str,
) -> None:
    one, other = (getattr(loss, name) for name in names)
    for name, at in zip(names, (one, other), strict=True):
        check_length(len(at), len(loss.weights), f"{where}.{name}", f"{what}, as weights does")
        refuse_first(at >= rows, at, f"{where}.{name}", f"the batch has {rows} rows, counted from 0")
    refuse_first(one == other, other, f"{where}.{names[1]}", "a row cannot be compared with itself")


def _check_groups(loss: types.RankedGroup, rows: int, where: str) -> None:
    check_length(len(loss.weights), len(loss.group_sizes), f"{where}.weights", "group")
    refuse_first(loss.group_sizes < 1, loss.group_sizes, f"{where}.group_sizes", "a group has at least one row")
    grouped = int(loss.group_sizes.sum())
    if grouped != rows:
        raise InvalidArgument(
            f"{where}.group_sizes sums to {grouped}, but the batch has {rows} rows: group every row once"
        )


def _floats_of(message: Any, where: str, *names: str) -> dict[str, Any]:
    return {name: floats(getattr(message, name), f"{where}.{name}") for name in names}


def _clipped_surrogate(message: pb.ClippedSurrogateLoss, where: str) -> Loss:
    return types.ClippedSurrogate(
        **_floats_of(message, where, "old_logprobs", "advantages", "weights"),
        clip_low=finite(message.clip_low, f"{where}.clip_low", at_least=0),
        clip_high=finite(message.clip_high, f"{where}.clip_high", at_least=0),
    )


def _clipped_value(message: pb.ClippedValueLoss, where: str) -> Loss:
    return types.ClippedValue(
        **_floats_of(message, where, "old_values", "returns", "weights"),
        clip_range=finite(message.clip_range, f"{where}.clip_range", at_least=0),
    )


def _bradley_terry(message: pb.BradleyTerryLoss, where: str) -> Loss:
    return types.BradleyTerry(
        integers(message.preferred_rows), integers(message.rejected_rows), floats(message.weights, f"{where}.weights")
    )


def _ranked_group(message: pb.RankedGroupLoss, where: str) -> Loss:
    return types.RankedGroup(integers(message.group_sizes), **_floats_of(message, where, "ratings", "weights"))


def _squared_error(message: pb.SquaredErrorLoss, where: str) -> Loss:
    output = decode_enum(message.output, _FITTED, f"{where}.output")
    return types.SquaredError(output, **_floats_of(message, where, "targets", "weights"))


def _kl(message: pb.KlLoss, where: str) -> Loss:
    estimator = decode_enum(message.estimator, _ESTIMATORS, f"{where}.estimator")
    return types.Kl(**_floats_of(message, where, "reference_logprobs", "weights"), estimator=estimator)


def _linear(message: pb.LinearLoss, where: str) -> Loss:
    output = decode_enum(message.output, _WEIGHED, f"{where}.output")
    return types.Linear(output, **_floats_of(message, where, "coefficients"))


def _dpo(message: pb.DpoLoss, where: str) -> Loss:
    return types.Dpo(
        **_floats_of(message, where, "reference_logprobs", "weights"),
        preferred_rows=integers(message.preferred_rows),
        rejected_rows=integers(message.rejected_rows),
        beta=finite(message.beta, f"{where}.beta", above=0, at_most=1e4),
        label_smoothing=finite(message.label_smoothing, f"{where}.label_smoothing", at_least=0, at_most=0.5),
    )


def _log_ratio_difference(message: pb.LogRatioDifferenceLoss, where: str) -> Loss:
    return types.LogRatioDifference(
        **_floats_of(message, where, "base_logprobs", "targets", "weights"),
        first_rows=integers(message.first_rows),
        second_rows=integers(message.second_rows),
    )


_DECODERS: dict[str, Callable[[Any, str], Loss]] = {
    "cross_entropy": lambda message, where: types.CrossEntropy(**_floats_of(message, where, "weights")),
    "clipped_surrogate": _clipped_surrogate,
    "clipped_value": _clipped_value,
    "bradley_terry": _bradley_terry,
    "ranked_group": _ranked_group,
    "squared_error": _squared_error,
    "kl": _kl,
    "linear": _linear,
    "dpo": _dpo,
    "log_ratio_difference": _log_ratio_difference,
}
