"""The second implementation that the engine is held against: Hugging Face and PEFT, one row at a time, no sharing, no
chunks, no caches; and batches to try both on."""

from __future__ import annotations

import random
from typing import Any, Literal

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from drpo_server.engine.model import Model
from drpo_server.engine.types import Batch, Head, Output

Row = tuple[list[int], int, int]
"""Tokens, span start, span length."""


class PlainModel:
    """What a Model should compute, in float64."""

    def __init__(self, model: Model) -> None:
        self.causal: Any = AutoModelForCausalLM.from_pretrained(
            model.base.path, dtype=torch.float64, attn_implementation="sdpa"
        ).eval()
        _widen_norms(self.causal)
        self.parameters: dict[str, nn.Parameter] = {}
        state = {name: tensor.double() for name, tensor in model.state().items()}
        if model.lora is not None:
            config = {k: v for k, v in model.peft_config().items() if k not in ("peft_type", "modules_to_save")}
            wrapped = get_peft_model(self.causal, LoraConfig(**{**config, "task_type": "CAUSAL_LM"}))
            for name, parameter in wrapped.named_parameters():
                if ".lora_" in name:
                    self.parameters[name.replace(".default.", ".")] = parameter
        else:
            self.parameters.update(self.causal.named_parameters())
        if model.head is Head.SCALAR:
            self.parameters = {k: p for k, p in self.parameters.items() if not k.startswith("lm_head.")}
            self.parameters["score.weight"] = nn.Parameter(torch.zeros_like(state["score.weight"]))
            self.parameters["score.bias"] = nn.Parameter(torch.zeros_like(state["score.bias"]))
        assert self.parameters.keys() == state.keys(), sorted(self.parameters.keys() ^ state.keys())
        for name, parameter in self.parameters.items():
            assert parameter.shape == state[name].shape
            parameter.requires_grad_(True)
            with torch.no_grad():
                parameter.copy_(state[name])

    def states(self, row: list[int]) -> Tensor:
        """After the final norm, [tokens, hidden]."""
        out: Tensor = self.causal.base_model(torch.tensor([row])).last_hidden_state[0]
        return out

    def logits(self, row: list[int]) -> Tensor:
        """[tokens, vocabulary]."""
        out: Tensor = self.causal(torch.tensor([row])).logits[0]
        return out

    def distributions(self, batch: Batch, temperature: float = 1.0) -> Tensor:
        """Log-probabilities from which each span token was drawn, [sum(span_lengths), vocabulary]."""
        return torch.cat(
            [
                torch.log_softmax(logits[start - 1 : start - 1 + length] / temperature, -1)
                for logits, (_, start, length) in zip(self._logits_of_rows(batch), rows_of(batch), strict=True)
                if length
            ]
        )

    def logprobs(self, batch: Batch, temperature: float = 1.0) -> Tensor:
        targets = [token for row, start, length in rows_of(batch) for token in row[start : start + length]]
        return self.distributions(batch, temperature)[torch.arange(len(targets)), torch.tensor(targets)]

    def values(self, batch: Batch) -> Tensor:
        return torch.cat(
            [
                scalars[start - 1 : start - 1 + length]
                for scalars, (_, start, length) in zip(self._scalars_of_rows(batch), rows_of(batch), strict=True)
                if length
            ]
        )

    def scores(self, batch: Batch) -> Tensor:
        return torch.stack([scalars[-1] for scalars in self._scalars_of_rows(batch)])

    def output(self, batch: Batch, output: Output) -> Tensor:
        """What a loss is computed from."""
        compute = {Output.LOGPROBS: self.logprobs, Output.VALUES: self.values, Output.SCORES: self.scores}[output]
        return compute(batch)

    def gradients(self, loss: Tensor) -> dict[str, Tensor]:
        """Of the loss, by the names of Model.state(); zeros where it does not depend on a weight."""
        found = torch.autograd.grad(loss, list(self.parameters.values()), allow_unused=True)
        return {
            name: torch.zeros_like(parameter) if gradient is None else gradient
            for (name, parameter), gradient in zip(self.parameters.items(), found, strict=True)
        }

    def _states_of_rows(self, batch: Batch) -> list[Tensor]:
        """[tokens, hidden] each."""
        return [self.states(row) for row, _, _ in rows_of(batch)]

    def _logits_of_rows(self, batch: Batch) -> list[Tensor]:
        """[tokens, vocabulary] each."""
        return [self.logits(row) for row, _, _ in rows_of(batch)]

    def _scalars_of_rows(self, batch: Batch) -> list[Tensor]:
        weight, bias = self.parameters["score.weight"][0], self.parameters["score.bias"]
        return [states @ weight + bias for states in self._states_of_rows(batch)]


class PaddedModel(PlainModel):
    """The same, with all rows padded to the longest in one batch, as Hugging Face code usually runs."""

    PAD_ID = 7
    """A token like any other: the mask says what is padding."""

    def __init__(self, model: Model, side: Literal["left", "right"]) -> None:
        super().__init__(model)
        self._side = side

    def _states_of_rows(self, batch: Batch) -> list[Tensor]:
        inputs, mask = self._padded(batch)
        return _unpadded(self.causal.base_model(**inputs).last_hidden_state, mask)

    def _logits_of_rows(self, batch: Batch) -> list[Tensor]:
        inputs, mask = self._padded(batch)
        return _unpadded(self.causal(**inputs).logits, mask)

    def _padded(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        lengths = batch.row_lengths
        place = torch.arange(int(lengths.max()))
        mask = place >= place.numel() - lengths[:, None] if self._side == "left" else place < lengths[:, None]
        ids = torch.full(mask.shape, self.PAD_ID).masked_scatter(mask, batch.token_ids)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        return {"input_ids": ids, "attention_mask": mask.long(), "position_ids": positions}, mask


def _unpadded(of_places: Tensor, mask: Tensor) -> list[Tensor]:
    return [row[here] for row, here in zip(of_places, mask, strict=True)]


def _widen_norms(module: nn.Module) -> None:
    """Hugging Face's RMSNorm rounds to float32 whatever it is given; the yardstick should be exact."""
    for child in module.modules():
        if type(child).__name__.endswith("RMSNorm"):
            child.forward = lambda x, norm=child: (
                norm.weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + norm.variance_epsilon)
            )


def rows_of(batch: Batch) -> list[Row]:
    """The rows of a batch, one by one."""
    ids = torch.split(batch.token_ids, batch.row_lengths.tolist())
    spans = zip(batch.span_starts.tolist(), batch.span_lengths.tolist(), strict=True)
    return [(row.tolist(), start, length) for row, (start, length) in zip(ids, spans, strict=True)]


def make_batch(rows: list[Row]) -> Batch:
    """The inverse of rows_of."""
    return Batch(
        token_ids=torch.tensor([token for row, _, _ in rows for token in row]),
        row_lengths=torch.tensor([len(row) for row, _, _ in rows]),
        span_starts=torch.tensor([start for _, start, _ in rows]),
        span_lengths=torch.tensor([length for _, _, length in rows]),
    )


def prompted_rows(count: int, *, seed: int = 0, prompt: int = 12, longest: int = 10) -> list[Row]:
    """Rows as a policy writes them: one prompt, some with a reset prefix that others share, one repeated row, spans of
    1 to `longest` tokens, some ending before the row does."""
    draw = random.Random(seed)
    shared = [draw.randrange(64) for _ in range(prompt)]
    prefix = [draw.randrange(64) for _ in range(9)]
    rows: list[Row] = []
    for index in range(count):
        context = shared + (prefix if index % 3 == 1 else [])
        length = draw.randrange(1, longest + 1)
        tail = draw.randrange(3) if index % 2 else 0
        rows.append((context + [draw.randrange(64) for _ in range(length + tail)], len(context), length))
    rows[-1] = rows[1]
    return rows


def unshared_rows(count: int, *, seed: int = 0) -> list[Row]:
    """Rows of very different lengths that share nothing, among them one without a span."""
    draw = random.Random(seed)
    rows = []
    for index in range(count):
        row = [draw.randrange(64) for _ in range(draw.choice((2, 5, 30, 60)))]
        start = draw.randrange(1, len(row))
        rows.append((row, start, 0 if index == 1 else draw.randrange(1, len(row) - start + 1)))
    return rows


def randomised(model: Model, seed: int = 0, size: float = 0.2) -> Model:
    """The model with every LoRA B and every head drawn at random, so that it computes something of its own."""
    generator = torch.Generator().manual_seed(seed)
    state = model.state()
    for name, tensor in state.items():
        if ".lora_B." in name or name.startswith("score."):
            state[name] = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype) * size
    model.load_state(state)
    return model


def ignore_progress(done: int, total: int) -> None:
    """An on_progress that never stops the work."""
