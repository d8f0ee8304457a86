"""TokenizerService: text to token ids and back."""

from __future__ import annotations

from pathlib import Path

import grpc
import torch

from drpo_server.engine.base import Base
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import tokenizer_service_pb2 as pb
from drpo_server.proto_gen.tokenizer_service_pb2_grpc import TokenizerServiceServicer
from drpo_server.rpc import unary
from drpo_server.services import Services
from drpo_server.tokenizers import Tokenizer
from drpo_server.vocabulary import difference
from drpo_server.wire.chats import decode_chat, decode_text, decode_time
from drpo_server.wire.fields import check_length, integers, refuse_first


class TokenizerServicer(TokenizerServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @unary
    def GetTokenizerInfo(
        self, request: pb.GetTokenizerInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetTokenizerInfoResponse:
        where = "GetTokenizerInfoRequest.base"
        tokenizer = self._tokenizer(request.base, where)
        end_tokens = tokenizer.end_tokens

        def describe(base: Base) -> pb.GetTokenizerInfoResponse:
            return pb.GetTokenizerInfoResponse(
                eos_token_id=end_tokens[0],
                vocabulary_size=base.vocabulary_size,
                context_tokens=base.context_tokens,
                tokenizer_hash=tokenizer.hash,
                base_hash=base.base_hash,
                end_token_ids=end_tokens,
                begin_token_ids=tokenizer.begin_token_ids,
                vocabulary_hash=tokenizer.vocabulary_hash,
                template_reads_clock=tokenizer.template_reads_clock,
            )

        resident = self._services.bases.loaded(tokenizer.folder)
        if resident is not None:  # a client that connects need not wait for what is computed
            return describe(resident)
        call = self._services.compute.submit(
            lambda _: describe(self._services.bases.load(request.base, where)), request
        )
        return call.answer(pb.GetTokenizerInfoResponse)

    @unary
    def CompareTokenizers(
        self, request: pb.CompareTokenizersRequest, context: grpc.ServicerContext
    ) -> pb.CompareTokenizersResponse:
        base = self._services.bases.folder(request.base, "CompareTokenizersRequest.base")
        if not request.other:
            raise InvalidArgument("CompareTokenizersRequest.other is missing: name the folder of a model or an adapter")
        return pb.CompareTokenizersResponse(difference=difference(base, Path(request.other).resolve()))

    @unary
    def Tokenize(self, request: pb.TokenizeRequest, context: grpc.ServicerContext) -> pb.TokenizeResponse:
        where = "TokenizeRequest"
        if request.continues and request.add_begin_tokens:
            raise InvalidArgument(f"{where}.add_begin_tokens: texts that continue another have no beginning")
        rows = self._tokenizer(request.base, f"{where}.base").tokenize(
            [decode_text(text) for text in request.texts],
            continues=request.continues,
            add_begin_tokens=request.add_begin_tokens,
        )
        return pb.TokenizeResponse(
            token_ids=[token for row in rows for token in row], lengths=[len(row) for row in rows]
        )

    @unary
    def Detokenize(self, request: pb.DetokenizeRequest, context: grpc.ServicerContext) -> pb.DetokenizeResponse:
        tokenizer = self._tokenizer(request.base, "DetokenizeRequest.base")
        token_ids, lengths = integers(request.token_ids), integers(request.lengths)
        check_length(
            len(token_ids), int(lengths.sum()), "DetokenizeRequest.token_ids", "token of all rows (sum of lengths)"
        )
        refuse_first(
            token_ids >= tokenizer.vocabulary_size,
            token_ids,
            "DetokenizeRequest.token_ids",
            f"the vocabulary has {tokenizer.vocabulary_size} tokens",
        )
        rows = [row.tolist() for row in torch.split(token_ids, lengths.tolist())]
        texts = tokenizer.detokenize(rows, skip_special_tokens=request.skip_special_tokens, continues=request.continues)
        return pb.DetokenizeResponse(texts=texts)

    @unary
    def ApplyChatTemplate(
        self, request: pb.ApplyChatTemplateRequest, context: grpc.ServicerContext
    ) -> pb.ApplyChatTemplateResponse:
        where = "ApplyChatTemplateRequest"
        chats = [decode_chat(chat, f"{where}.chats[{index}]") for index, chat in enumerate(request.chats)]
        tokenizer = self._tokenizer(request.base, f"{where}.base")
        now = decode_time(request.now_unix_seconds, f"{where}.now_unix_seconds")
        texts, rows = [], []
        for index, chat in enumerate(chats):
            try:
                text, row = tokenizer.apply_chat_template(
                    chat, add_generation_prompt=request.add_generation_prompt, now=now
                )
            except InvalidArgument as error:
                raise InvalidArgument(f"{where}.chats[{index}]: {error}") from error
            texts.append(text)
            rows.append(row)
        return pb.ApplyChatTemplateResponse(
            texts=texts, token_ids=[token for row in rows for token in row], lengths=[len(row) for row in rows]
        )

    def _tokenizer(self, base: str, where: str) -> Tokenizer:
        return self._services.tokenizers.get(self._services.bases.folder(base, where))
