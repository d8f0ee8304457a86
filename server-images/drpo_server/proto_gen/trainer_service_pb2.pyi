from drpo_server.proto_gen import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Output(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_UNSPECIFIED: _ClassVar[Output]
    OUTPUT_LOGPROBS: _ClassVar[Output]
    OUTPUT_ENTROPY: _ClassVar[Output]
    OUTPUT_VALUES: _ClassVar[Output]
    OUTPUT_SCORES: _ClassVar[Output]

class KlEstimator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KL_ESTIMATOR_UNSPECIFIED: _ClassVar[KlEstimator]
    KL_ESTIMATOR_K1: _ClassVar[KlEstimator]
    KL_ESTIMATOR_K2: _ClassVar[KlEstimator]
    KL_ESTIMATOR_K3: _ClassVar[KlEstimator]
OUTPUT_UNSPECIFIED: Output
OUTPUT_LOGPROBS: Output
OUTPUT_ENTROPY: Output
OUTPUT_VALUES: Output
OUTPUT_SCORES: Output
KL_ESTIMATOR_UNSPECIFIED: KlEstimator
KL_ESTIMATOR_K1: KlEstimator
KL_ESTIMATOR_K2: KlEstimator
KL_ESTIMATOR_K3: KlEstimator

class OutputRequest(_message.Message):
    __slots__ = ("model", "output", "temperature")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    model: _common_pb2.ModelRef
    output: Output
    temperature: float
    def __init__(self, model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., output: _Optional[_Union[Output, str]] = ..., temperature: _Optional[float] = ...) -> None: ...

class ForwardRequest(_message.Message):
    __slots__ = ("run_id", "batch", "outputs")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    batch: _common_pb2.BatchInput
    outputs: _containers.RepeatedCompositeFieldContainer[OutputRequest]
    def __init__(self, run_id: _Optional[str] = ..., batch: _Optional[_Union[_common_pb2.BatchInput, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[OutputRequest, _Mapping]]] = ...) -> None: ...

class FloatArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class ForwardResult(_message.Message):
    __slots__ = ("outputs", "token_budget")
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_BUDGET_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[FloatArray]
    token_budget: int
    def __init__(self, outputs: _Optional[_Iterable[_Union[FloatArray, _Mapping]]] = ..., token_budget: _Optional[int] = ...) -> None: ...

class ForwardResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: ForwardResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[ForwardResult, _Mapping]] = ...) -> None: ...

class CrossEntropyLoss(_message.Message):
    __slots__ = ("weights",)
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, weights: _Optional[_Iterable[float]] = ...) -> None: ...

class ClippedSurrogateLoss(_message.Message):
    __slots__ = ("old_logprobs", "advantages", "weights", "clip_low", "clip_high")
    OLD_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    ADVANTAGES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    CLIP_LOW_FIELD_NUMBER: _ClassVar[int]
    CLIP_HIGH_FIELD_NUMBER: _ClassVar[int]
    old_logprobs: _containers.RepeatedScalarFieldContainer[float]
    advantages: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    clip_low: float
    clip_high: float
    def __init__(self, old_logprobs: _Optional[_Iterable[float]] = ..., advantages: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ..., clip_low: _Optional[float] = ..., clip_high: _Optional[float] = ...) -> None: ...

class ClippedValueLoss(_message.Message):
    __slots__ = ("old_values", "returns", "weights", "clip_range")
    OLD_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    CLIP_RANGE_FIELD_NUMBER: _ClassVar[int]
    old_values: _containers.RepeatedScalarFieldContainer[float]
    returns: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    clip_range: float
    def __init__(self, old_values: _Optional[_Iterable[float]] = ..., returns: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ..., clip_range: _Optional[float] = ...) -> None: ...

class BradleyTerryLoss(_message.Message):
    __slots__ = ("preferred_rows", "rejected_rows", "weights")
    PREFERRED_ROWS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_ROWS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    preferred_rows: _containers.RepeatedScalarFieldContainer[int]
    rejected_rows: _containers.RepeatedScalarFieldContainer[int]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, preferred_rows: _Optional[_Iterable[int]] = ..., rejected_rows: _Optional[_Iterable[int]] = ..., weights: _Optional[_Iterable[float]] = ...) -> None: ...

class RankedGroupLoss(_message.Message):
    __slots__ = ("group_sizes", "ratings", "weights")
    GROUP_SIZES_FIELD_NUMBER: _ClassVar[int]
    RATINGS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    group_sizes: _containers.RepeatedScalarFieldContainer[int]
    ratings: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, group_sizes: _Optional[_Iterable[int]] = ..., ratings: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ...) -> None: ...

class SquaredErrorLoss(_message.Message):
    __slots__ = ("output", "targets", "weights")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    output: Output
    targets: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, output: _Optional[_Union[Output, str]] = ..., targets: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ...) -> None: ...

class KlLoss(_message.Message):
    __slots__ = ("reference_logprobs", "weights", "estimator")
    REFERENCE_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATOR_FIELD_NUMBER: _ClassVar[int]
    reference_logprobs: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    estimator: KlEstimator
    def __init__(self, reference_logprobs: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ..., estimator: _Optional[_Union[KlEstimator, str]] = ...) -> None: ...

class LinearLoss(_message.Message):
    __slots__ = ("output", "coefficients")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    COEFFICIENTS_FIELD_NUMBER: _ClassVar[int]
    output: Output
    coefficients: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, output: _Optional[_Union[Output, str]] = ..., coefficients: _Optional[_Iterable[float]] = ...) -> None: ...

class DpoLoss(_message.Message):
    __slots__ = ("reference_logprobs", "preferred_rows", "rejected_rows", "weights", "beta", "label_smoothing")
    REFERENCE_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_ROWS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_ROWS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    reference_logprobs: _containers.RepeatedScalarFieldContainer[float]
    preferred_rows: _containers.RepeatedScalarFieldContainer[int]
    rejected_rows: _containers.RepeatedScalarFieldContainer[int]
    weights: _containers.RepeatedScalarFieldContainer[float]
    beta: float
    label_smoothing: float
    def __init__(self, reference_logprobs: _Optional[_Iterable[float]] = ..., preferred_rows: _Optional[_Iterable[int]] = ..., rejected_rows: _Optional[_Iterable[int]] = ..., weights: _Optional[_Iterable[float]] = ..., beta: _Optional[float] = ..., label_smoothing: _Optional[float] = ...) -> None: ...

class LogRatioDifferenceLoss(_message.Message):
    __slots__ = ("base_logprobs", "first_rows", "second_rows", "targets", "weights")
    BASE_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROWS_FIELD_NUMBER: _ClassVar[int]
    SECOND_ROWS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    base_logprobs: _containers.RepeatedScalarFieldContainer[float]
    first_rows: _containers.RepeatedScalarFieldContainer[int]
    second_rows: _containers.RepeatedScalarFieldContainer[int]
    targets: _containers.RepeatedScalarFieldContainer[float]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, base_logprobs: _Optional[_Iterable[float]] = ..., first_rows: _Optional[_Iterable[int]] = ..., second_rows: _Optional[_Iterable[int]] = ..., targets: _Optional[_Iterable[float]] = ..., weights: _Optional[_Iterable[float]] = ...) -> None: ...

class ModelLoss(_message.Message):
    __slots__ = ("model", "temperature", "cross_entropy", "clipped_surrogate", "clipped_value", "bradley_terry", "ranked_group", "squared_error", "kl", "linear", "dpo", "log_ratio_difference")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    CROSS_ENTROPY_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_SURROGATE_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_VALUE_FIELD_NUMBER: _ClassVar[int]
    BRADLEY_TERRY_FIELD_NUMBER: _ClassVar[int]
    RANKED_GROUP_FIELD_NUMBER: _ClassVar[int]
    SQUARED_ERROR_FIELD_NUMBER: _ClassVar[int]
    KL_FIELD_NUMBER: _ClassVar[int]
    LINEAR_FIELD_NUMBER: _ClassVar[int]
    DPO_FIELD_NUMBER: _ClassVar[int]
    LOG_RATIO_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    model: _common_pb2.ModelRef
    temperature: float
    cross_entropy: CrossEntropyLoss
    clipped_surrogate: ClippedSurrogateLoss
    clipped_value: ClippedValueLoss
    bradley_terry: BradleyTerryLoss
    ranked_group: RankedGroupLoss
    squared_error: SquaredErrorLoss
    kl: KlLoss
    linear: LinearLoss
    dpo: DpoLoss
    log_ratio_difference: LogRatioDifferenceLoss
    def __init__(self, model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., temperature: _Optional[float] = ..., cross_entropy: _Optional[_Union[CrossEntropyLoss, _Mapping]] = ..., clipped_surrogate: _Optional[_Union[ClippedSurrogateLoss, _Mapping]] = ..., clipped_value: _Optional[_Union[ClippedValueLoss, _Mapping]] = ..., bradley_terry: _Optional[_Union[BradleyTerryLoss, _Mapping]] = ..., ranked_group: _Optional[_Union[RankedGroupLoss, _Mapping]] = ..., squared_error: _Optional[_Union[SquaredErrorLoss, _Mapping]] = ..., kl: _Optional[_Union[KlLoss, _Mapping]] = ..., linear: _Optional[_Union[LinearLoss, _Mapping]] = ..., dpo: _Optional[_Union[DpoLoss, _Mapping]] = ..., log_ratio_difference: _Optional[_Union[LogRatioDifferenceLoss, _Mapping]] = ...) -> None: ...

class ForwardBackwardRequest(_message.Message):
    __slots__ = ("mutation", "batch", "losses")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    batch: _common_pb2.BatchInput
    losses: _containers.RepeatedCompositeFieldContainer[ModelLoss]
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., batch: _Optional[_Union[_common_pb2.BatchInput, _Mapping]] = ..., losses: _Optional[_Iterable[_Union[ModelLoss, _Mapping]]] = ...) -> None: ...

class LossResult(_message.Message):
    __slots__ = ("loss", "outputs")
    LOSS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    loss: float
    outputs: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, loss: _Optional[float] = ..., outputs: _Optional[_Iterable[float]] = ...) -> None: ...

class ForwardBackwardResult(_message.Message):
    __slots__ = ("losses", "token_budget")
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_BUDGET_FIELD_NUMBER: _ClassVar[int]
    losses: _containers.RepeatedCompositeFieldContainer[LossResult]
    token_budget: int
    def __init__(self, losses: _Optional[_Iterable[_Union[LossResult, _Mapping]]] = ..., token_budget: _Optional[int] = ...) -> None: ...

class ForwardBackwardResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: ForwardBackwardResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[ForwardBackwardResult, _Mapping]] = ...) -> None: ...

class AdamW(_message.Message):
    __slots__ = ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay")
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    def __init__(self, learning_rate: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., epsilon: _Optional[float] = ..., weight_decay: _Optional[float] = ...) -> None: ...

class OptimizerStepRequest(_message.Message):
    __slots__ = ("mutation", "model", "forward_backward_request_ids", "adamw", "max_gradient_norm")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FORWARD_BACKWARD_REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    ADAMW_FIELD_NUMBER: _ClassVar[int]
    MAX_GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    model: _common_pb2.ModelRef
    forward_backward_request_ids: _containers.RepeatedScalarFieldContainer[str]
    adamw: AdamW
    max_gradient_norm: float
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., forward_backward_request_ids: _Optional[_Iterable[str]] = ..., adamw: _Optional[_Union[AdamW, _Mapping]] = ..., max_gradient_norm: _Optional[float] = ...) -> None: ...

class OptimizerStepResponse(_message.Message):
    __slots__ = ("version", "gradient_norm")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    version: _common_pb2.ModelVersion
    gradient_norm: float
    def __init__(self, version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ..., gradient_norm: _Optional[float] = ...) -> None: ...
