"""Chat templates: what they write is a template's text, what the messages hold is data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from drpo_server.errors import InvalidArgument
from drpo_server.text_codec import TextCodec, private_word

_OPEN, _CLOSE = private_word(), private_word()
_DATA = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_STRAY = re.compile(f"{_OPEN}|{_CLOSE}")
_EXAMPLE = [
    {"role": "user", "content": "x"},
    {"role": "assistant", "content": "y"},
    {"role": "user", "content": "z"},
]


class ChatTemplate:
    """The chat template of a base's tokenizer. Raises InvalidArgument with whatever the template raises."""

    def __init__(self, tokenizer: Any) -> None:
        """tokenizer: of transformers."""
        self._tokenizer = tokenizer

    @property
    def is_there(self) -> bool:
        return bool(self._tokenizer.chat_template)

    @property
    def reads_clock(self) -> bool:
        """A template has no other way to the time; one that only mentions it is taken to read it."""
        return "strftime_now" in str(self._tokenizer.chat_template or "")

    def turn_tokens(self, spellings: Iterable[str]) -> Collection[str]:
        """Those of the added tokens' spellings that the template writes around turns, special or not: what would open
        another turn if a message could spell it."""
        if not self.is_there:
            return ()
        for example in (_EXAMPLE, _EXAMPLE[:1]):
            try:
                text = self._render(example, add_generation_prompt=False, now=datetime.fromtimestamp(0, UTC))
            except InvalidArgument:
                continue
            return [spelling for spelling in spellings if spelling.strip() != "" and spelling in text]
        return ()

    def render(
        self, messages: Sequence[dict[str, str]], codec: TextCodec, *, add_generation_prompt: bool, now: datetime
    ) -> tuple[str, str]:
        """The text, and the same for `codec.encode`. now: for templates that write it."""
        # Around what would be a control token, so that the template still sees the message as it is.
        guarded = [
            message
            | {"content": codec.replace_control_tokens(message["content"], lambda token: _OPEN + token + _CLOSE)}
            for message in messages
        ]
        text = self._render(guarded, add_generation_prompt=add_generation_prompt, now=now)
        plain, marked = [], []
        for i, part in enumerate(_DATA.split(text)):  # template, data, template, ...
            part = _STRAY.sub("", part)  # of a message that the template has cut
            plain.append(part)
            marked.append(part if i % 2 else codec.mark(part))
        return "".join(plain), "".join(marked)

    def _render(self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool, now: datetime) -> str:
        from jinja2.exceptions import TemplateError
        from transformers.utils.chat_template_utils import _compile_jinja_template

        try:
            # As transformers' apply_chat_template, which does not take a function.
            text: str = _compile_jinja_template(self._tokenizer.get_chat_template()).render(
                **self._tokenizer.special_tokens_map,
                messages=list(messages),
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                strftime_now=now.strftime,
            )
            text.encode()  # not of half a character
        except Exception as error:  # a template is a program: it may raise anything
            said = str(error) if type(error) is TemplateError else f"{type(error).__name__}: {error}"
            raise InvalidArgument(f"its chat template refuses these messages: {said}") from error
        return text
