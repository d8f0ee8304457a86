"""What the engine takes and gives: plain data, no protobuf. Servicers decode into these and encode from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from drpo_server.engine.model import Model

OnProgress = Callable[[int, int], None]
"""Called with (done, total) between micro-batches or decoding positions; raises Cancelled to stop the work."""


class Cancelled(Exception):
    """The caller went away; raised out of OnProgress to end a pass early. Nothing was changed."""


class Head(Enum):
    LANGUAGE_MODEL = "language-model"
    SCALAR = "scalar"


class Output(Enum):
    LOGPROBS = "logprobs"  # [sum(span_lengths)]
    ENTROPY = "entropy"  # [sum(span_lengths)]
    VALUES = "values"  # [sum(span_lengths)], read one position before each span token
    SCORES = "scores"  # [rows], read at the last token of a row


@dataclass(frozen=True)
class LoraShape:
    rank: int
    alpha: float
    target_modules: tuple[str, ...] = ()  # empty: every linear layer of a block
    last_blocks: int = 0  # 0: all blocks


@dataclass(frozen=True)
class Batch:
    """Rows of token ids, packed; lengths checked by the decoder. All int64 on the CPU."""

    token_ids: torch.Tensor  # [sum(row_lengths)]
    row_lengths: torch.Tensor  # [rows]
    span_starts: torch.Tensor  # [rows]
    span_lengths: torch.Tensor  # [rows]


@dataclass(frozen=True)
class OutputRequest:
    model: Model
    output: Output
    temperature: float = 1.0


@dataclass(frozen=True)
class CrossEntropy:
    weights: torch.Tensor


@dataclass(frozen=True)
class ClippedSurrogate:
    old_logprobs: torch.Tensor
    advantages: torch.Tensor
    weights: torch.Tensor
    clip_low: float
    clip_high: float


@dataclass(frozen=True)
class ClippedValue:
    old_values: torch.Tensor
    returns: torch.Tensor
    weights: torch.Tensor
    clip_range: float  # 0: no clipping


@dataclass(frozen=True)
class BradleyTerry:
    preferred_rows: torch.Tensor  # int64 [comparisons]
    rejected_rows: torch.Tensor  # int64 [comparisons]
    weights: torch.Tensor  # [comparisons]


@dataclass(frozen=True)
class RankedGroup:
    group_sizes: torch.Tensor  # int64 [groups]
    ratings: torch.Tensor  # [rows]
    weights: torch.Tensor  # [groups]


@dataclass(frozen=True)
class SquaredError:
    output: Output  # VALUES or SCORES
    targets: torch.Tensor
    weights: torch.Tensor


class KlEstimator(Enum):
    K1 = "k1"
    K2 = "k2"
    K3 = "k3"


@dataclass(frozen=True)
class Kl:
    reference_logprobs: torch.Tensor
    weights: torch.Tensor
    estimator: KlEstimator


@dataclass(frozen=True)
class Linear:
    output: Output  # LOGPROBS, VALUES or SCORES
    coefficients: torch.Tensor


@dataclass(frozen=True)
class Dpo:
    reference_logprobs: torch.Tensor  # [sum(span_lengths)]
    preferred_rows: torch.Tensor  # int64 [comparisons]
    rejected_rows: torch.Tensor  # int64 [comparisons]
    weights: torch.Tensor  # [comparisons]
    beta: float  # above 0
    label_smoothing: float  # 0 to 0.5


@dataclass(frozen=True)
class LogRatioDifference:
    base_logprobs: torch.Tensor  # [sum(span_lengths)]
    first_rows: torch.Tensor  # int64 [pairs]
    second_rows: torch.Tensor  # int64 [pairs]
    targets: torch.Tensor  # [pairs]
    weights: torch.Tensor  # [pairs]


EntryLoss = CrossEntropy | ClippedSurrogate | ClippedValue | SquaredError | Kl | Linear
"""Every term reads one entry of x."""

RowLoss = BradleyTerry | RankedGroup | Dpo | LogRatioDifference
"""A term compares rows, which may sit in different micro-batches."""

Loss = EntryLoss | RowLoss


@dataclass(frozen=True)
class ModelLoss:
    model: Model
    loss: Loss
    temperature: float = 1.0


@dataclass(frozen=True)
class LossResult:
    loss: float  # the sum of the terms
    outputs: torch.Tensor  # logp, v or s that it was computed from, float32, in that output's layout


@dataclass(frozen=True)
class AdamW:
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float


@dataclass(frozen=True)
class SampleContext:
    token_ids: Sequence[int]
    max_new_tokens: int
    first_position: int
    seeds: Sequence[int]  # unsigned 64-bit, one a continuation


@dataclass(frozen=True)
class SamplingParams:
    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    stop_token_ids: frozenset[int] = field(default_factory=frozenset)


class FinishReason(Enum):
    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True)
class SampledRollout:
    context_index: int
    continuation_index: int
    token_ids: list[int]
    logprobs: list[float]
    finish_reason: FinishReason
