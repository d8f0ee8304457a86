from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mutation(_message.Message):
    __slots__ = ("run_id", "fence", "request_id")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    fence: int
    request_id: str
    def __init__(self, run_id: _Optional[str] = ..., fence: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("generation", "optimizer_step", "weights_hash")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_STEP_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_HASH_FIELD_NUMBER: _ClassVar[int]
    generation: int
    optimizer_step: int
    weights_hash: str
    def __init__(self, generation: _Optional[int] = ..., optimizer_step: _Optional[int] = ..., weights_hash: _Optional[str] = ...) -> None: ...

class ModelRef(_message.Message):
    __slots__ = ("model", "version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: ModelVersion
    def __init__(self, model: _Optional[str] = ..., version: _Optional[_Union[ModelVersion, _Mapping]] = ...) -> None: ...

class TokenBatch(_message.Message):
    __slots__ = ("token_ids", "row_lengths", "span_starts", "span_lengths")
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    ROW_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    SPAN_STARTS_FIELD_NUMBER: _ClassVar[int]
    SPAN_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    row_lengths: _containers.RepeatedScalarFieldContainer[int]
    span_starts: _containers.RepeatedScalarFieldContainer[int]
    span_lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, token_ids: _Optional[_Iterable[int]] = ..., row_lengths: _Optional[_Iterable[int]] = ..., span_starts: _Optional[_Iterable[int]] = ..., span_lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class BatchInput(_message.Message):
    __slots__ = ("rows", "kept_batch_id", "keep_as")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    KEPT_BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_AS_FIELD_NUMBER: _ClassVar[int]
    rows: TokenBatch
    kept_batch_id: str
    keep_as: str
    def __init__(self, rows: _Optional[_Union[TokenBatch, _Mapping]] = ..., kept_batch_id: _Optional[str] = ..., keep_as: _Optional[str] = ...) -> None: ...

class CheckpointRef(_message.Message):
    __slots__ = ("uri", "manifest_hash")
    URI_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_HASH_FIELD_NUMBER: _ClassVar[int]
    uri: str
    manifest_hash: str
    def __init__(self, uri: _Optional[str] = ..., manifest_hash: _Optional[str] = ...) -> None: ...

class WeightGroup(_message.Message):
    __slots__ = ("master_address", "master_port", "world_size")
    MASTER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    MASTER_PORT_FIELD_NUMBER: _ClassVar[int]
    WORLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    master_address: str
    master_port: int
    world_size: int
    def __init__(self, master_address: _Optional[str] = ..., master_port: _Optional[int] = ..., world_size: _Optional[int] = ...) -> None: ...

class WeightSpec(_message.Message):
    __slots__ = ("name", "dtype", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...
