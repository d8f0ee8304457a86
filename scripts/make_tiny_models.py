"""Writes bases of random weights for the recipes/*-tiny.json, beside the data that scripts/make-tiny-data.js wrote.

    python scripts/make_tiny_models.py DIR

GPT-NeoX, as Pythia is, in three sizes of 25,000 to 140,000 weights, with a byte-level BPE tokenizer, as Pythia's is,
learnt from that data. Seeded: the same weights each time, on one version of PyTorch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

END_OF_TEXT = "<|endoftext|>"
VOCABULARY = 512
CONTEXT = 256
HIDDEN_SIZES = {"gpt-neox-s": 16, "gpt-neox-m": 32, "gpt-neox-l": 48}


def learn_tokenizer(texts: list[Path]) -> PreTrainedTokenizerFast:
    bytes_and_words = Tokenizer(models.BPE())
    bytes_and_words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_and_words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytes_and_words.train([str(path) for path in texts], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_and_words, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT, unk_token=END_OF_TEXT
    )


def make_base(hidden_size: int) -> GPTNeoXForCausalLM:
    torch.manual_seed(1)
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden_size,
            intermediate_size=4 * hidden_size,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            rotary_pct=0.5,
            bos_token_id=0,
            eos_token_id=0,
            initializer_range=0.1,
            tie_word_embeddings=False,
        )
    )


def main() -> None:
    folder = Path(sys.argv[1])
    disable_progress_bar()
    tokenizer = learn_tokenizer(sorted(folder.glob("tldr/*.jsonl")))
    for name, hidden_size in HIDDEN_SIZES.items():
        make_base(hidden_size).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    main()
