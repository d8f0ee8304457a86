from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetTokenizerInfoRequest(_message.Message):
    __slots__ = ("base",)
    BASE_FIELD_NUMBER: _ClassVar[int]
    base: str
    def __init__(self, base: _Optional[str] = ...) -> None: ...

class GetTokenizerInfoResponse(_message.Message):
    __slots__ = ("eos_token_id", "vocabulary_size", "context_tokens", "tokenizer_hash", "base_hash", "end_token_ids", "begin_token_ids", "vocabulary_hash", "template_reads_clock")
    EOS_TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_HASH_FIELD_NUMBER: _ClassVar[int]
    BASE_HASH_FIELD_NUMBER: _ClassVar[int]
    END_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_HASH_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_READS_CLOCK_FIELD_NUMBER: _ClassVar[int]
    eos_token_id: int
    vocabulary_size: int
    context_tokens: int
    tokenizer_hash: str
    base_hash: str
    end_token_ids: _containers.RepeatedScalarFieldContainer[int]
    begin_token_ids: _containers.RepeatedScalarFieldContainer[int]
    vocabulary_hash: str
    template_reads_clock: bool
    def __init__(self, eos_token_id: _Optional[int] = ..., vocabulary_size: _Optional[int] = ..., context_tokens: _Optional[int] = ..., tokenizer_hash: _Optional[str] = ..., base_hash: _Optional[str] = ..., end_token_ids: _Optional[_Iterable[int]] = ..., begin_token_ids: _Optional[_Iterable[int]] = ..., vocabulary_hash: _Optional[str] = ..., template_reads_clock: _Optional[bool] = ...) -> None: ...

class CompareTokenizersRequest(_message.Message):
    __slots__ = ("base", "other")
    BASE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    base: str
    other: str
    def __init__(self, base: _Optional[str] = ..., other: _Optional[str] = ...) -> None: ...

class CompareTokenizersResponse(_message.Message):
    __slots__ = ("difference",)
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    difference: str
    def __init__(self, difference: _Optional[str] = ...) -> None: ...

class TextPart(_message.Message):
    __slots__ = ("text", "special_tokens")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    text: str
    special_tokens: bool
    def __init__(self, text: _Optional[str] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[TextPart]
    def __init__(self, parts: _Optional[_Iterable[_Union[TextPart, _Mapping]]] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ("base", "texts", "continues", "add_begin_tokens")
    BASE_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_FIELD_NUMBER: _ClassVar[int]
    ADD_BEGIN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    base: str
    texts: _containers.RepeatedCompositeFieldContainer[Text]
    continues: bool
    add_begin_tokens: bool
    def __init__(self, base: _Optional[str] = ..., texts: _Optional[_Iterable[_Union[Text, _Mapping]]] = ..., continues: _Optional[bool] = ..., add_begin_tokens: _Optional[bool] = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ("token_ids", "lengths")
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, token_ids: _Optional[_Iterable[int]] = ..., lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class DetokenizeRequest(_message.Message):
    __slots__ = ("base", "token_ids", "lengths", "skip_special_tokens", "continues")
    BASE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_FIELD_NUMBER: _ClassVar[int]
    base: str
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    skip_special_tokens: bool
    continues: bool
    def __init__(self, base: _Optional[str] = ..., token_ids: _Optional[_Iterable[int]] = ..., lengths: _Optional[_Iterable[int]] = ..., skip_special_tokens: _Optional[bool] = ..., continues: _Optional[bool] = ...) -> None: ...

class DetokenizeResponse(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class ChatMessage(_message.Message):
    __slots__ = ("role", "content")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    role: str
    content: str
    def __init__(self, role: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class Chat(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[ChatMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[ChatMessage, _Mapping]]] = ...) -> None: ...

class ApplyChatTemplateRequest(_message.Message):
    __slots__ = ("base", "chats", "add_generation_prompt", "now_unix_seconds")
    BASE_FIELD_NUMBER: _ClassVar[int]
    CHATS_FIELD_NUMBER: _ClassVar[int]
    ADD_GENERATION_PROMPT_FIELD_NUMBER: _ClassVar[int]
    NOW_UNIX_SECONDS_FIELD_NUMBER: _ClassVar[int]
    base: str
    chats: _containers.RepeatedCompositeFieldContainer[Chat]
    add_generation_prompt: bool
    now_unix_seconds: int
    def __init__(self, base: _Optional[str] = ..., chats: _Optional[_Iterable[_Union[Chat, _Mapping]]] = ..., add_generation_prompt: _Optional[bool] = ..., now_unix_seconds: _Optional[int] = ...) -> None: ...

class ApplyChatTemplateResponse(_message.Message):
    __slots__ = ("texts", "token_ids", "lengths")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    token_ids: _containers.RepeatedScalarFieldContainer[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., token_ids: _Optional[_Iterable[int]] = ..., lengths: _Optional[_Iterable[int]] = ...) -> None: ...
