"""Makes a base of random weights and a tokenizer for it, to train from scratch.

    python scripts/make_base.py --texts FILE.jsonl... --hidden 256 --blocks 4 --to DIR

Llama's architecture with shared embeddings, and a byte-level BPE tokenizer that is learnt from the texts, {"text": ...}
a line. Seeded: the same weights each time, on one version of PyTorch. A folder that is there is left alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

END_OF_TEXT = "<|endoftext|>"


def learn_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2's and Pythia's, of `vocabulary` tokens; END_OF_TEXT is token 0."""
    bytes_and_words = Tokenizer(models.BPE())
    bytes_and_words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_and_words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytes_and_words.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_and_words, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT, unk_token=END_OF_TEXT
    )


def random_llama(*, vocabulary: int, hidden: int, blocks: int, context: int, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            # Three matrices of 8/3 hidden are the size of two of 4 hidden; a multiple of 16.
            intermediate_size=round(hidden * 8 / 3 / 16) * 16,
            num_hidden_layers=blocks,
            num_attention_heads=max(hidden // 64, 1),
            max_position_embeddings=context,
            bos_token_id=0,
            eos_token_id=0,
            tie_word_embeddings=True,
        )
    )


def read_texts(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/make_base.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--texts", type=Path, nargs="+", required=True, metavar="FILE", help="what is learnt from")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the base")
    parser.add_argument("--vocabulary", type=int, default=2048, help="tokens (default: 2048)")
    parser.add_argument("--hidden", type=int, default=256, help="width (default: 256)")
    parser.add_argument("--blocks", type=int, default=4, help="layers (default: 4)")
    parser.add_argument("--context", type=int, default=256, help="longest row, tokens (default: 256)")
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: 1)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    to: Path = options.to
    if to.exists():
        print(f"make_base: {to} is there", file=sys.stderr)
        return 0
    disable_progress_bar()
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=to.parent) as scratch:
        folder = Path(scratch) / to.name
        learn_tokenizer(read_texts(options.texts), options.vocabulary).save_pretrained(folder)
        size = {name: getattr(options, name) for name in ("vocabulary", "hidden", "blocks", "context", "seed")}
        model = random_llama(**size)
        model.save_pretrained(folder)
        folder.rename(to)
    print(f"make_base: {to}, {model.num_parameters():,} weights", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
