from drpo_server.proto_gen import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Head(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAD_UNSPECIFIED: _ClassVar[Head]
    HEAD_LANGUAGE_MODEL: _ClassVar[Head]
    HEAD_SCALAR: _ClassVar[Head]

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPORT_FORMAT_UNSPECIFIED: _ClassVar[ExportFormat]
    EXPORT_FORMAT_PEFT_ADAPTER: _ClassVar[ExportFormat]
    EXPORT_FORMAT_MERGED: _ClassVar[ExportFormat]
HEAD_UNSPECIFIED: Head
HEAD_LANGUAGE_MODEL: Head
HEAD_SCALAR: Head
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
EXPORT_FORMAT_PEFT_ADAPTER: ExportFormat
EXPORT_FORMAT_MERGED: ExportFormat

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("schema_hash", "server_version", "engine", "device", "compute_threads", "memory_total_bytes", "memory_available_bytes", "capabilities", "instance_id", "resident_bases", "processes", "dtype", "sampling_slots", "token_budget")
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_THREADS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_AVAILABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BASES_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_SLOTS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_BUDGET_FIELD_NUMBER: _ClassVar[int]
    schema_hash: str
    server_version: str
    engine: str
    device: str
    compute_threads: int
    memory_total_bytes: int
    memory_available_bytes: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    instance_id: str
    resident_bases: _containers.RepeatedScalarFieldContainer[str]
    processes: int
    dtype: str
    sampling_slots: int
    token_budget: int
    def __init__(self, schema_hash: _Optional[str] = ..., server_version: _Optional[str] = ..., engine: _Optional[str] = ..., device: _Optional[str] = ..., compute_threads: _Optional[int] = ..., memory_total_bytes: _Optional[int] = ..., memory_available_bytes: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., instance_id: _Optional[str] = ..., resident_bases: _Optional[_Iterable[str]] = ..., processes: _Optional[int] = ..., dtype: _Optional[str] = ..., sampling_slots: _Optional[int] = ..., token_budget: _Optional[int] = ...) -> None: ...

class AcquireRunRequest(_message.Message):
    __slots__ = ("run_id", "request_id")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    request_id: str
    def __init__(self, run_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class AcquireRunResponse(_message.Message):
    __slots__ = ("fence",)
    FENCE_FIELD_NUMBER: _ClassVar[int]
    fence: int
    def __init__(self, fence: _Optional[int] = ...) -> None: ...

class ReleaseAnswersRequest(_message.Message):
    __slots__ = ("mutation", "request_ids", "kept_batch_ids")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    KEPT_BATCH_IDS_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    request_ids: _containers.RepeatedScalarFieldContainer[str]
    kept_batch_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., request_ids: _Optional[_Iterable[str]] = ..., kept_batch_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ReleaseAnswersResponse(_message.Message):
    __slots__ = ("answers_left", "batches_left")
    ANSWERS_LEFT_FIELD_NUMBER: _ClassVar[int]
    BATCHES_LEFT_FIELD_NUMBER: _ClassVar[int]
    answers_left: int
    batches_left: int
    def __init__(self, answers_left: _Optional[int] = ..., batches_left: _Optional[int] = ...) -> None: ...

class LoraShape(_message.Message):
    __slots__ = ("rank", "alpha", "target_modules", "last_blocks")
    RANK_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODULES_FIELD_NUMBER: _ClassVar[int]
    LAST_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    alpha: float
    target_modules: _containers.RepeatedScalarFieldContainer[str]
    last_blocks: int
    def __init__(self, rank: _Optional[int] = ..., alpha: _Optional[float] = ..., target_modules: _Optional[_Iterable[str]] = ..., last_blocks: _Optional[int] = ...) -> None: ...

class FullShape(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateModelRequest(_message.Message):
    __slots__ = ("mutation", "model", "base", "lora", "full", "head", "copy_of", "peft_adapter", "reset_head", "seed", "trainable")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    LORA_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    COPY_OF_FIELD_NUMBER: _ClassVar[int]
    PEFT_ADAPTER_FIELD_NUMBER: _ClassVar[int]
    RESET_HEAD_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    model: str
    base: str
    lora: LoraShape
    full: FullShape
    head: Head
    copy_of: str
    peft_adapter: str
    reset_head: bool
    seed: int
    trainable: bool
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., model: _Optional[str] = ..., base: _Optional[str] = ..., lora: _Optional[_Union[LoraShape, _Mapping]] = ..., full: _Optional[_Union[FullShape, _Mapping]] = ..., head: _Optional[_Union[Head, str]] = ..., copy_of: _Optional[str] = ..., peft_adapter: _Optional[str] = ..., reset_head: _Optional[bool] = ..., seed: _Optional[int] = ..., trainable: _Optional[bool] = ...) -> None: ...

class CreateModelResult(_message.Message):
    __slots__ = ("version", "vocabulary_size", "context_tokens", "trainable_weights", "base_hash")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BASE_HASH_FIELD_NUMBER: _ClassVar[int]
    version: _common_pb2.ModelVersion
    vocabulary_size: int
    context_tokens: int
    trainable_weights: int
    base_hash: str
    def __init__(self, version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ..., vocabulary_size: _Optional[int] = ..., context_tokens: _Optional[int] = ..., trainable_weights: _Optional[int] = ..., base_hash: _Optional[str] = ...) -> None: ...

class CreateModelResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: CreateModelResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[CreateModelResult, _Mapping]] = ...) -> None: ...

class DeleteModelRequest(_message.Message):
    __slots__ = ("mutation", "model")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    model: str
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., model: _Optional[str] = ...) -> None: ...

class DeleteModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SaveCheckpointRequest(_message.Message):
    __slots__ = ("mutation", "uri", "models", "with_optimizer_state")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    WITH_OPTIMIZER_STATE_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    uri: str
    models: _containers.RepeatedCompositeFieldContainer[_common_pb2.ModelRef]
    with_optimizer_state: bool
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., uri: _Optional[str] = ..., models: _Optional[_Iterable[_Union[_common_pb2.ModelRef, _Mapping]]] = ..., with_optimizer_state: _Optional[bool] = ...) -> None: ...

class SaveCheckpointResult(_message.Message):
    __slots__ = ("checkpoint", "bytes")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    checkpoint: _common_pb2.CheckpointRef
    bytes: int
    def __init__(self, checkpoint: _Optional[_Union[_common_pb2.CheckpointRef, _Mapping]] = ..., bytes: _Optional[int] = ...) -> None: ...

class SaveCheckpointResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: SaveCheckpointResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[SaveCheckpointResult, _Mapping]] = ...) -> None: ...

class RestoredModel(_message.Message):
    __slots__ = ("saved_name", "model", "trainable")
    SAVED_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    saved_name: str
    model: str
    trainable: bool
    def __init__(self, saved_name: _Optional[str] = ..., model: _Optional[str] = ..., trainable: _Optional[bool] = ...) -> None: ...

class RestoreCheckpointRequest(_message.Message):
    __slots__ = ("mutation", "checkpoint", "models", "base")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    checkpoint: _common_pb2.CheckpointRef
    models: _containers.RepeatedCompositeFieldContainer[RestoredModel]
    base: str
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., checkpoint: _Optional[_Union[_common_pb2.CheckpointRef, _Mapping]] = ..., models: _Optional[_Iterable[_Union[RestoredModel, _Mapping]]] = ..., base: _Optional[str] = ...) -> None: ...

class RestoreCheckpointResult(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_common_pb2.ModelRef]
    def __init__(self, models: _Optional[_Iterable[_Union[_common_pb2.ModelRef, _Mapping]]] = ...) -> None: ...

class RestoreCheckpointResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: RestoreCheckpointResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[RestoreCheckpointResult, _Mapping]] = ...) -> None: ...

class DeleteCheckpointRequest(_message.Message):
    __slots__ = ("mutation", "uri")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    uri: str
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., uri: _Optional[str] = ...) -> None: ...

class DeleteCheckpointResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportModelRequest(_message.Message):
    __slots__ = ("mutation", "model", "format", "uri")
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    mutation: _common_pb2.Mutation
    model: _common_pb2.ModelRef
    format: ExportFormat
    uri: str
    def __init__(self, mutation: _Optional[_Union[_common_pb2.Mutation, _Mapping]] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., format: _Optional[_Union[ExportFormat, str]] = ..., uri: _Optional[str] = ...) -> None: ...

class ExportModelResult(_message.Message):
    __slots__ = ("path", "bytes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    path: str
    bytes: int
    def __init__(self, path: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class ExportModelResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: ExportModelResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[ExportModelResult, _Mapping]] = ...) -> None: ...

class ListFilesRequest(_message.Message):
    __slots__ = ("uri",)
    URI_FIELD_NUMBER: _ClassVar[int]
    uri: str
    def __init__(self, uri: _Optional[str] = ...) -> None: ...

class StoredFile(_message.Message):
    __slots__ = ("path", "bytes", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    bytes: int
    sha256: str
    def __init__(self, path: _Optional[str] = ..., bytes: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class ListFilesResponse(_message.Message):
    __slots__ = ("manifest_hash", "files")
    MANIFEST_HASH_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    manifest_hash: str
    files: _containers.RepeatedCompositeFieldContainer[StoredFile]
    def __init__(self, manifest_hash: _Optional[str] = ..., files: _Optional[_Iterable[_Union[StoredFile, _Mapping]]] = ...) -> None: ...

class ReadFileRequest(_message.Message):
    __slots__ = ("uri", "manifest_hash", "path", "offset")
    URI_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    uri: str
    manifest_hash: str
    path: str
    offset: int
    def __init__(self, uri: _Optional[str] = ..., manifest_hash: _Optional[str] = ..., path: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReadFileResponse(_message.Message):
    __slots__ = ("progress", "data")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    data: bytes
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class PlannedModel(_message.Message):
    __slots__ = ("model", "base", "lora", "full", "head", "trainable")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    LORA_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    model: str
    base: str
    lora: LoraShape
    full: FullShape
    head: Head
    trainable: bool
    def __init__(self, model: _Optional[str] = ..., base: _Optional[str] = ..., lora: _Optional[_Union[LoraShape, _Mapping]] = ..., full: _Optional[_Union[FullShape, _Mapping]] = ..., head: _Optional[_Union[Head, str]] = ..., trainable: _Optional[bool] = ...) -> None: ...

class PlanMemoryRequest(_message.Message):
    __slots__ = ("models", "training_row_tokens", "sampling_rows", "sampling_row_tokens", "kept_rows")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_ROWS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_ROW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    KEPT_ROWS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[PlannedModel]
    training_row_tokens: int
    sampling_rows: int
    sampling_row_tokens: int
    kept_rows: int
    def __init__(self, models: _Optional[_Iterable[_Union[PlannedModel, _Mapping]]] = ..., training_row_tokens: _Optional[int] = ..., sampling_rows: _Optional[int] = ..., sampling_row_tokens: _Optional[int] = ..., kept_rows: _Optional[int] = ...) -> None: ...

class MemoryItem(_message.Message):
    __slots__ = ("kind", "owner", "bytes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    owner: str
    bytes: int
    def __init__(self, kind: _Optional[str] = ..., owner: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class PlanMemoryResponse(_message.Message):
    __slots__ = ("items", "total_bytes", "available_bytes", "fits", "advice")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FITS_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[MemoryItem]
    total_bytes: int
    available_bytes: int
    fits: bool
    advice: str
    def __init__(self, items: _Optional[_Iterable[_Union[MemoryItem, _Mapping]]] = ..., total_bytes: _Optional[int] = ..., available_bytes: _Optional[int] = ..., fits: _Optional[bool] = ..., advice: _Optional[str] = ...) -> None: ...

class SendWeightsRequest(_message.Message):
    __slots__ = ("run_id", "model", "group")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    model: _common_pb2.ModelRef
    group: _common_pb2.WeightGroup
    def __init__(self, run_id: _Optional[str] = ..., model: _Optional[_Union[_common_pb2.ModelRef, _Mapping]] = ..., group: _Optional[_Union[_common_pb2.WeightGroup, _Mapping]] = ...) -> None: ...

class WeightList(_message.Message):
    __slots__ = ("weights",)
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedCompositeFieldContainer[_common_pb2.WeightSpec]
    def __init__(self, weights: _Optional[_Iterable[_Union[_common_pb2.WeightSpec, _Mapping]]] = ...) -> None: ...

class SendWeightsResult(_message.Message):
    __slots__ = ("version", "bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    version: _common_pb2.ModelVersion
    bytes: int
    def __init__(self, version: _Optional[_Union[_common_pb2.ModelVersion, _Mapping]] = ..., bytes: _Optional[int] = ...) -> None: ...

class SendWeightsResponse(_message.Message):
    __slots__ = ("progress", "list", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    list: WeightList
    result: SendWeightsResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., list: _Optional[_Union[WeightList, _Mapping]] = ..., result: _Optional[_Union[SendWeightsResult, _Mapping]] = ...) -> None: ...
