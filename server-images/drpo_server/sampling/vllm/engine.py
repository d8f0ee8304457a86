"""vLLM's asynchronous engine, on an event loop of its own thread, for callers on other threads."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import os
import queue
import signal
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vllm import SamplingParams as VllmParams
from vllm.config import WeightTransferConfig
from vllm.distributed.weight_transfer.base import WeightTransferInitRequest, WeightTransferUpdateRequest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.inputs.engine import tokens_input
from vllm.lora.request import LoRARequest
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from drpo_server.errors import InvalidArgument, NotFinite
from drpo_server.sampling.vllm.die_with_parent import children_die_with_parent
from drpo_server.sampling.vllm.engine_options import engine_arguments
from drpo_server.sampling.vllm.token_request import TokenRequest
from drpo_server.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Continuation:
    """A sequence to continue, and how."""

    token_ids: Sequence[int]
    max_new_tokens: int
    request: TokenRequest
    stop_token_ids: frozenset[int] = frozenset()


@dataclass
class Written:
    """What became of a continuation."""

    token_ids: list[int]
    logprobs: list[float]
    stopped: bool = False
    """Its last token is a stop token."""


class VllmEngine:
    """Loads the base when it is made. Its methods block, on any thread but the loop's own."""

    def __init__(self, settings: Settings) -> None:
        """Raises InvalidArgument for options that vLLM does not have, ValueError or RuntimeError as vLLM does."""
        assert settings.base is not None
        if settings.device.partition(":")[0] != current_platform.device_type:
            raise InvalidArgument(
                f"--device {settings.device}: this vLLM was built for {current_platform.device_type!r}: say --device "
                f"{current_platform.device_type}, or install another build"
            )
        children_die_with_parent()
        arguments = engine_arguments(settings, AsyncEngineArgs)
        arguments["weight_transfer_config"] = WeightTransferConfig(**arguments["weight_transfer_config"])
        self.max_lora_rank: int = arguments.get("max_lora_rank", 0)
        """0: every adapter is merged."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="vllm", daemon=True).start()
        self._engine: Any = self._run(_start(arguments))
        config: Any = self._engine.model_config
        self.path: Path = settings.base
        self.vocabulary_size: int = config.get_vocab_size()
        self.context_tokens: int = config.max_model_len
        self._ids = itertools.count(1)
        self.is_dead = False
        """A process of vLLM's ended by itself."""

    def generate(
        self, continuations: Sequence[Continuation], adapter: LoRARequest | None
    ) -> Iterator[tuple[int, Written, bool] | None]:
        """Writes all side by side. Yields (index, what it has by now, whether it ended) when one grew, and None when a
        while passes without.

        Closing the iterator aborts what is under way. Raises NotFinite for a log-probability that is not a number.
        """
        written = [Written([], []) for _ in continuations]
        news: queue.SimpleQueue[tuple[int, bool] | BaseException] = queue.SimpleQueue()

        async def follow(index: int) -> None:
            try:
                await self._follow(
                    continuations[index], adapter, written[index], lambda ended: news.put((index, ended))
                )
            except BaseException as error:
                news.put(error)
                raise

        async def follow_all() -> None:
            async with asyncio.TaskGroup() as group:
                for index in range(len(continuations)):
                    group.create_task(follow(index))

        future = asyncio.run_coroutine_threadsafe(follow_all(), self._loop)
        left = len(continuations)
        try:
            while left > 0:
                try:
                    item = news.get(timeout=1.0)
                except queue.Empty:
                    if not self._engine.errored:
                        yield None
                        continue
                    item = self._engine.dead_error  # vLLM does not tell requests that came at the wrong moment
                if isinstance(item, BaseException):
                    self._note_death(item)
                    raise item
                index, ended = item
                left -= ended
                yield index, written[index], ended
        finally:
            future.cancel()

    def add_adapter(self, name: str, folder: Path) -> LoRARequest:
        """Loads a PEFT folder under a name that was never used before, as cached prefixes are told apart by it."""
        adapter = LoRARequest(lora_name=name, lora_int_id=next(self._ids), lora_path=str(folder))
        self._run(self._engine.add_lora(adapter))
        return adapter

    def remove_adapter(self, adapter: LoRARequest) -> None:
        self._run(self._engine.remove_lora(adapter.lora_int_id))

    def replace_weights(self, update: Mapping[str, Any], group: Mapping[str, Any] | None = None) -> None:
        """Replaces the base's weights by those of an UpdateInfo; group: a GroupInfo to receive them in.

        No request may be under way. Cached prefixes are dropped. After a failure the weights are of no use.
        """
        self._run(self._replace_weights(update, group or {}))

    def close(self) -> None:
        """Ends vLLM's processes."""
        self._loop.call_soon_threadsafe(self._engine.shutdown)

    async def _replace_weights(self, update: Mapping[str, Any], group: Mapping[str, Any]) -> None:
        engine = self._engine
        await engine.init_weight_transfer_engine(WeightTransferInitRequest(init_info=dict(group)))
        await engine.start_weight_update()
        try:
            await engine.update_weights(WeightTransferUpdateRequest(update_info=dict(update)))
        finally:
            # Also after a failure: the next attempt could not start otherwise.
            await engine.finish_weight_update()
            await engine.shutdown_weight_transfer_engine()
        if not await engine.reset_prefix_cache():
            raise RuntimeError("vLLM did not drop its cached prefixes: a request is under way")

    async def _follow(self, item: Continuation, adapter: LoRARequest | None, written: Written, grew: Any) -> None:
        params = VllmParams(
            temperature=0,  # PositionalNoise leaves one token
            logprobs=0,
            max_tokens=item.max_new_tokens,
            stop_token_ids=sorted(item.stop_token_ids),
            ignore_eos=True,
            detokenize=False,
            output_kind=RequestOutputKind.DELTA,
            extra_args=item.request.as_extra_args(),
        )
        prompt = tokens_input(prompt_token_ids=list(item.token_ids))
        outputs = self._engine.generate(prompt, params, f"drpo-{next(self._ids)}", lora_request=adapter)
        async for output in outputs:
            [part] = output.outputs
            written.token_ids += part.token_ids
            written.logprobs += [
                _finite(at[token].logprob) for token, at in zip(part.token_ids, part.logprobs or [], strict=True)
            ]
            written.stopped = part.finish_reason == "stop"
            grew(output.finished)

    def _note_death(self, error: BaseException) -> None:
        """Without its processes this server is of no use: it stops, and who started it sees that by its exit code."""
        if isinstance(error, EngineDeadError) and not self.is_dead:
            self.is_dead = True
            log.error("a process of vLLM ended, so the server stops; its last messages are above")
            os.kill(os.getpid(), signal.SIGTERM)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _start(arguments: dict[str, Any]) -> Any:
    return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))


def _finite(logprob: float) -> float:
    if not math.isfinite(logprob):
        raise NotFinite("a log-probability is not a finite number: the weights are damaged, so restore a checkpoint")
    return logprob
