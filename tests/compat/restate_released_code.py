"""One iteration of the code that the DR-PO paper released, stated again: restate_released_code.py REQUEST FOLDER.

Plain PyTorch and Hugging Face in float64, written from the description of what that code does; it shares nothing with
the model server or the orchestrator. It is given what is random (uniform numbers behind the resets, the tokens that
were generated, the order of rows in each epoch) and the weights before the iteration, and works out everything else.

FOLDER gets `signal.json` (prefixes to returns), and for each epoch `losses.json`, the gradients of the whole batch
(`epoch-N-gradients.safetensors`) and the weights after the step (`epoch-N-weights.safetensors`); names are
"policy." or "critic." and PEFT's own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.func import functional_call
from transformers import AutoModelForCausalLM

# Constants of the released code.
TEMPERATURE = 0.7 + 1e-7
KL_COEF = 0.05
GAMMA = 1.0
GAE_LAMBDA = 0.95
CLIP = 0.2
VALUE_CLIP = 0.2
VALUE_COEF = 0.1
SCORE_WITHOUT_END = -1.0
ROWS_OF_A_RANK = 128
ROWS_OF_A_MICRO_BATCH = 4
ADAM_EPSILON = 1e-5


class Adapted:
    """A LoRA adapter on the shared base, with a scalar head if it has one."""

    def __init__(self, base: nn.Module, adapter: Mapping[str, Tensor], scale: float) -> None:
        self.base = base
        self.scale = scale
        self.weights = {name: tensor.double().requires_grad_() for name, tensor in adapter.items()}

    def logits(self, tokens: Tensor) -> Tensor:
        """[rows, length, vocabulary]."""
        found: Tensor = self._run(tokens).logits
        return found

    def scalars(self, tokens: Tensor) -> Tensor:
        """The scalar head in each state; [rows, length]."""
        last = self._run(tokens, output_hidden_states=True).hidden_states[-1]
        found: Tensor = last @ self.weights["score.weight"][0] + self.weights["score.bias"]
        return found

    def _run(self, tokens: Tensor, **options: Any) -> Any:
        """Causal attention lets padding on the right alone: no mask is needed."""
        merged = {}
        for name, weight in self.base.named_parameters():
            key = f"base_model.model.{name.removesuffix('.weight')}"
            down, up = (self.weights.get(f"{key}.lora_{part}.weight") for part in "AB")
            merged[name] = weight if down is None or up is None else weight + self.scale * up @ down
        return functional_call(self.base, merged, (tokens,), options)


def draw_prefix(uniforms: list[float], references: list[dict[str, Any]], proportion: float, budget: int) -> Any:
    """The prompt of a row and what of its reference the policy is made to begin with."""
    reference = references[int(uniforms[0] * len(references))]
    usable = min(len(reference["response"]), budget)
    is_forced = uniforms[1] < proportion and usable >= 2
    length = 1 + int(uniforms[2] * (usable - 1)) if is_forced else 0
    return reference["prompt"], reference["response"][:length]


def first_place(of: Tensor) -> Tensor:
    """Place of the first true value of each row; the row's length where there is none."""
    return torch.where(of.any(-1), of.int().argmax(-1), of.shape[-1])


def standardise(values: Tensor, *, keep_mean: bool = False) -> Tensor:
    """Of all values together."""
    mean = values.mean()
    scaled = (values - mean) / torch.sqrt(((values - mean) ** 2).mean() + 1e-8)
    return scaled + mean if keep_mean else scaled


def by_rank(values: Tensor, whitening: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([whitening(rank) for rank in values.split(ROWS_OF_A_RANK)])


def advantages_of(rewards: Tensor, values: Tensor) -> Tensor:
    """GAE over every token of the budget; nothing is worth anything after the last one."""
    following = torch.cat([values[:, 1:], torch.zeros(len(values), 1)], 1)
    errors = rewards + GAMMA * following - values
    advantages = torch.zeros_like(rewards)
    carried = torch.zeros(len(rewards))
    for place in reversed(range(rewards.shape[1])):
        carried = errors[:, place] + GAMMA * GAE_LAMBDA * carried
        advantages[:, place] = carried
    return advantages


class Batch:
    """The rows of an iteration: prompts of any length, responses of exactly the budget."""

    def __init__(self, prompts: list[list[int]], responses: list[list[int]]) -> None:
        rows = [torch.tensor(prompt + response) for prompt, response in zip(prompts, responses, strict=True)]
        self.tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        self.responses = torch.tensor(responses)
        budget = self.responses.shape[1]
        # The state before a response's first token is that of the prompt's last one.
        self.states = torch.tensor([[len(prompt) - 1] for prompt in prompts]) + torch.arange(budget)

    def logprobs(self, model: Adapted) -> Tensor:
        """[rows, budget]."""
        logits = model.logits(self.tokens)
        here = logits.gather(1, self.states[..., None].expand(-1, -1, logits.shape[-1])) / TEMPERATURE
        return torch.log_softmax(here, -1).gather(2, self.responses[..., None])[..., 0]

    def values(self, model: Adapted) -> Tensor:
        """[rows, budget]."""
        return model.scalars(self.tokens).gather(1, self.states)

    def scores(self, model: Adapted, ends: Tensor) -> Tensor:
        """Read at these places of the responses; [rows]."""
        # One state later than the one in which the token was chosen.
        places = self.states.gather(1, ends[:, None]) + 1
        return model.scalars(self.tokens).gather(1, places)[:, 0]


def make_signal(batch: Batch, models: Mapping[str, Adapted], end_token: int) -> dict[str, Tensor]:
    """From log-probs to returns, all at the weights that wrote the batch."""
    budget = batch.responses.shape[1]
    logprobs = batch.logprobs(models["policy"])
    reference_logprobs = batch.logprobs(models["reference"])
    values = batch.values(models["critic"])

    # What is after the first end is padding to the reward model; a response without padding has not ended.
    ends = first_place(batch.responses == end_token).clamp(max=budget - 1)
    has_padding = ends < budget - 1
    raw_scores = batch.scores(models["reward-model"], ends)
    scores = torch.where(has_padding, raw_scores, SCORE_WITHOUT_END)

    rewards = -KL_COEF * (logprobs - reference_logprobs)
    rewards = rewards + scores[:, None] * (torch.arange(budget) == ends[:, None])
    whitened = by_rank(rewards, lambda rank: standardise(rank, keep_mean=True))
    advantages = advantages_of(whitened, values)
    return {
        "logprobs": logprobs,
        "referenceLogprobs": reference_logprobs,
        "values": values,
        "rawScores": raw_scores,
        "scores": scores,
        "rewards": whitened,
        "advantages": by_rank(advantages, standardise),
        "returns": advantages + values,
    }


def losses_of(
    batch: Batch, models: Mapping[str, Adapted], signal: Mapping[str, Tensor], free: Tensor, order: Any
) -> Any:
    """Means over micro-batches of the policy's loss, of the critic's, and of what is minimised."""
    ratio = torch.exp(batch.logprobs(models["policy"]) - signal["logprobs"])
    gain = torch.minimum(ratio * signal["advantages"], ratio.clamp(1 - CLIP, 1 + CLIP) * signal["advantages"])
    value, old, target = batch.values(models["critic"]), signal["values"], signal["returns"]
    held = torch.minimum(torch.maximum(value, old - VALUE_CLIP), old + VALUE_CLIP)
    error = torch.maximum((value - target) ** 2, (held - target) ** 2)
    policy_losses, value_losses = [], []
    for rows in torch.tensor(order).split(ROWS_OF_A_MICRO_BATCH):
        policy_losses.append(-(gain[rows] * free[rows]).sum() / free[rows].sum())
        value_losses.append(error[rows].mean() / 2)
    policy_loss, value_loss = torch.stack(policy_losses).mean(), torch.stack(value_losses).mean()
    clipped = (((ratio - 1).abs() > CLIP) & free).sum() / free.sum()
    value_clipped = ((value - old).abs() > VALUE_CLIP).double().mean()
    figures = {"policy": policy_loss, "value": value_loss, "clipped": clipped, "valueClipped": value_clipped}
    return policy_loss + VALUE_COEF * value_loss, {name: float(figure) for name, figure in figures.items()}


def optimizer_of(weights: Mapping[str, Tensor], moments: Mapping[str, Tensor], learning_rate: float) -> Any:
    """PyTorch's AdamW with its default betas and weight decay, going on from these moments."""
    optimizer = torch.optim.AdamW(list(weights.values()), lr=learning_rate, eps=ADAM_EPSILON)
    for name, weight in weights.items():
        parts = ("exp_avg", "exp_avg_sq", "step")
        optimizer.state[weight] = {part: moments[f"{name}.{part}"].clone() for part in parts}
    return optimizer


def main(request: dict[str, Any], folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    base = AutoModelForCausalLM.from_pretrained(request["base"], dtype=torch.float64).eval().requires_grad_(False)
    files = request["weights"]
    models = {name: Adapted(base, load_file(file), request["scale"]) for name, file in files.items()}

    budget = request["budget"]
    drawn = [draw_prefix(u, request["references"], request["proportion"], budget) for u in request["uniforms"]]
    prefixes = [prefix for _, prefix in drawn]
    forced = torch.arange(budget) < torch.tensor([[len(prefix)] for prefix in prefixes])
    responses = [prefix + generated for prefix, generated in zip(prefixes, request["generated"], strict=True)]
    batch = Batch([prompt for prompt, _ in drawn], responses)
    with torch.no_grad():
        signal = make_signal(batch, models, request["endToken"])
    report: dict[str, Any] = {name: values.tolist() for name, values in signal.items()}
    (folder / "signal.json").write_text(json.dumps({**report, "prefixes": prefixes, "forced": forced.tolist()}))

    trained = ("policy", "critic")
    optimizers = {
        name: optimizer_of(models[name].weights, load_file(request["moments"][name]), request["learningRates"][name])
        for name in trained
    }
    epochs = []
    for epoch, order in enumerate(request["orders"]):
        loss, figures = losses_of(batch, models, signal, ~forced, order)
        epochs.append(figures)
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        own = {f"{model}.{name}": weight for model in trained for name, weight in models[model].weights.items()}
        gradients = {name: gradient_of(weight) for name, weight in own.items()}
        save_file(gradients, folder / f"epoch-{epoch}-gradients.safetensors")
        for optimizer in optimizers.values():
            optimizer.step()
        after = {name: weight.detach() for name, weight in own.items()}
        save_file(after, folder / f"epoch-{epoch}-weights.safetensors")
    (folder / "losses.json").write_text(json.dumps(epochs))


def gradient_of(weight: Tensor) -> Tensor:
    """Of a weight that the loss depends on."""
    if weight.grad is None:
        raise ValueError("the loss does not depend on a weight that is trained")
    return weight.grad


main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
