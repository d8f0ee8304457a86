"""Writes bases of random weights for the recipes/*-tiny.json, beside the data that scripts/make-tiny-data.js wrote.

    python scripts/make_tiny_models.py DIR

GPT-NeoX, as Pythia is, in three sizes of 25,000 to 140,000 weights, with a byte-level BPE tokenizer, as Pythia's is,
learnt from that data. Seeded: the same weights each time, on one version of PyTorch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from make_base import learn_tokenizer
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
from transformers.utils.logging import disable_progress_bar

VOCABULARY = 512
CONTEXT = 256
HIDDEN_SIZES = {"gpt-neox-s": 16, "gpt-neox-m": 32, "gpt-neox-l": 48}


def random_gpt_neox(hidden_size: int) -> GPTNeoXForCausalLM:
    torch.manual_seed(1)
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden_size,
            intermediate_size=4 * hidden_size,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            rotary_pct=0.5,  # type: ignore[call-arg] # a name of before, still read
            bos_token_id=0,
            eos_token_id=0,
            initializer_range=0.1,
            tie_word_embeddings=False,
        )
    )


def main() -> None:
    folder = Path(sys.argv[1])
    disable_progress_bar()
    lines = (line for path in sorted(folder.glob("tldr/*.jsonl")) for line in path.read_text("utf-8").splitlines())
    tokenizer = learn_tokenizer(lines, VOCABULARY)
    for name, hidden_size in HIDDEN_SIZES.items():
        random_gpt_neox(hidden_size).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    main()
