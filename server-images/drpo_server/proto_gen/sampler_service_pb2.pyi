from drpo_server.proto_gen import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_LENGTH: FinishReason

class SamplingParams(_message.Message):
    __slots__ = ("temperature", "top_p", "top_k", "stop_token_ids")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    top_p: float
    top_k: int
    stop_token_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., stop_token_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleContext(_message.Message):
    __slots__ = ("token_ids", "max_new_tokens", "first_position", "seeds")
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    MAX_NEW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    max_new_tokens: int
    first_position: int
    seeds: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, token_ids: _Optional[_Iterable[int]] = ..., max_new_tokens: _Optional[int] = ..., first_position: _Optional[int] = ..., seeds: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleRolloutsRequest(_message.Message):
    __slots__ = ("run_id", "model", "contexts", "params")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    model: _common_pb2.ModelRef
    contexts: _containers.RepeatedCompositeFieldContainer[SampleContext]
    params: SamplingParams
    def __init__(self, run_id: _Optional[str] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., contexts: _Optional[_Iterable[_Union[SampleContext, _Mapping]]] = ..., params: _Optional[_Union[SamplingParams, _Mapping]] = ...) -> None: ...

class SampledRollout(_message.Message):
    __slots__ = ("context_index", "continuation_index", "token_ids", "logprobs", "finish_reason", "version")
    CONTEXT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTINUATION_INDEX_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    context_index: int
    continuation_index: int
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    logprobs: _containers.RepeatedScalarFieldContainer[float]
    finish_reason: FinishReason
    version: _common_pb2.ModelVersion
    def __init__(self, context_index: _Optional[int] = ..., continuation_index: _Optional[int] = ..., token_ids: _Optional[_Iterable[int]] = ..., logprobs: _Optional[_Iterable[float]] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ...) -> None: ...

class SampleRolloutsResponse(_message.Message):
    __slots__ = ("progress", "rollout")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    rollout: SampledRollout
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., rollout: _Optional[_Union[SampledRollout, _Mapping]] = ...) -> None: ...

class SyncWeightsRequest(_message.Message):
    __slots__ = ("mutation", "model", "checkpoint", "broadcast")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    model: _common_pb2.ModelRef
    checkpoint: _common_pb2.CheckpointRef
    broadcast: WeightBroadcast
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., checkpoint: _Optional[_Union[_common_pb2.CheckpointRef, _Mapping]] = ..., broadcast: _Optional[_Union[WeightBroadcast, _Mapping]] = ...) -> None: ...

class WeightBroadcast(_message.Message):
    __slots__ = ("group", "rank", "weights")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    group: _common_pb2.WeightGroup
    rank: int
    weights: _containers.RepeatedCompositeFieldContainer[_common_pb2.WeightSpec]
    def __init__(self, group: _Optional[_Union[_common_pb2.WeightGroup, _Mapping]] = ..., rank: _Optional[int] = ..., weights: _Optional[_Iterable[_Union[_common_pb2.WeightSpec, _Mapping]]] = ...) -> None: ...

class SyncWeightsResult(_message.Message):
    __slots__ = ("version", "held_as")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HELD_AS_FIELD_NUMBER: _ClassVar[int]
    version: _common_pb2.ModelVersion
    held_as: str
    def __init__(self, version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ..., held_as: _Optional[str] = ...) -> None: ...

class SyncWeightsResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: SyncWeightsResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[SyncWeightsResult, _Mapping]] = ...) -> None: ...

class ComputeLogprobsRequest(_message.Message):
    __slots__ = ("run_id", "model", "base", "rows", "temperature")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    model: _common_pb2.ModelRef
    base: str
    rows: _common_pb2.TokenBatch
    temperature: float
    def __init__(self, run_id: _Optional[str] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., base: _Optional[str] = ..., rows: _Optional[_Union[_common_pb2.TokenBatch, _Mapping]] = ..., temperature: _Optional[float] = ...) -> None: ...

class ComputeLogprobsResult(_message.Message):
    __slots__ = ("logprobs", "version")
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    logprobs: _containers.RepeatedScalarFieldContainer[float]
    version: _common_pb2.ModelVersion
    def __init__(self, logprobs: _Optional[_Iterable[float]] = ..., version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ...) -> None: ...

class ComputeLogprobsResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: ComputeLogprobsResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[ComputeLogprobsResult, _Mapping]] = ...) -> None: ...
