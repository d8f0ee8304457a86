"""Bases of random weights with the habits of published ones: their tokenizers, special tokens and configuration files.

python published_bases.py FAMILY FOLDER writes one; FAMILY is a key of FAMILIES. Hidden size 32, 3 blocks (4 for
GPT-NeoX), context 256.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

CONTEXT_TOKENS = 256
_SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT_TOKENS,
    "initializer_range": 0.15,
}
_WORDS = [
    *("the", "a", "and", "or", "not", "is", "was", "are", "to", "of", "in", "on", "with", "says", "asks", "likes"),
    *(
        "cat",
        "dog",
        "bird",
        "house",
        "river",
        "street",
        "tree",
        "light",
        "red",
        "green",
        "good",
        "bad",
        "slow",
        "quick",
    ),
    *("old", "new", "sees", "takes", "gives", "writes", "reads", "answer", "question", "what", "who", "when", "where"),
]
_CORPUS = [
    " ".join(_WORDS[(7 * line + word * (1 + line % 6)) % len(_WORDS)] for word in range(14)) + "."
    for line in range(500)
]

LLAMA3_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
CHATML_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA2_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}"
    "{% elif message['role'] == 'system' %}{{ bos_token + '[INST] <<SYS>>\n' + message['content'] + '\n<</SYS>>\n\n' }}"
    "{% else %}{{ ('' if not loop.first and loop.previtem['role'] == 'system' else bos_token + '[INST] ') "
    "+ message['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
)


def write_llama3(folder: Path) -> None:
    """Byte-level BPE; a begin token that the tokenizer adds; two end tokens; no pad token; tied embeddings."""
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    words = _byte_level_bpe(specials)
    begin, end, _, _, turn_end = _ids(words, specials)
    words.post_processor = _begins_with(specials[0], begin)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token=specials[0], eos_token=specials[4])
    tokenizer.chat_template = LLAMA3_TEMPLATE
    config = LlamaConfig(
        **_SHAPE,
        vocab_size=len(tokenizer),
        tie_word_embeddings=True,
        bos_token_id=begin,
        eos_token_id=[end, turn_end],
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
    )
    generation = {"bos_token_id": begin, "eos_token_id": [end, turn_end]}
    _save(folder, 1, lambda: LlamaForCausalLM(config), tokenizer, generation)


def write_qwen2(folder: Path) -> None:
    """Byte-level BPE with NFC; ChatML; no begin token; more embeddings than tokens; two end tokens; tied embeddings."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    words = _byte_level_bpe(specials)
    words.normalizer = normalizers.NFC()
    text_end, _, turn_end = _ids(words, specials)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token=specials[2], pad_token=specials[0])
    tokenizer.chat_template = CHATML_TEMPLATE
    config = Qwen2Config(
        **_SHAPE, vocab_size=512, tie_word_embeddings=True, bos_token_id=text_end, eos_token_id=turn_end
    )
    generation = {"eos_token_id": [turn_end, text_end], "pad_token_id": text_end}
    _save(folder, 2, lambda: Qwen2ForCausalLM(config), tokenizer, generation)


def write_mistral(folder: Path) -> None:
    """SentencePiece-like BPE with byte fallback and a space before the first word; <s>, </s>; a sliding window."""
    words = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    words.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    _mistral_like(folder, words, seed=3)


def write_llama2(folder: Path) -> None:
    """As Mistral's first releases and Llama 2 are published: the space before a text comes from a normaliser, and comes
    after every special token too."""
    words = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    words.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    _mistral_like(folder, words, seed=4)


def write_unigram(folder: Path) -> None:
    """A SentencePiece Unigram tokenizer with byte fallback, whose special tokens are pieces of its vocabulary."""
    words = Tokenizer(models.Unigram())
    words.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    specials = ["<unk>", "<s>", "</s>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=specials, unk_token="<unk>", show_progress=False)
    words.train_from_iterator(_CORPUS, trainer)
    content = json.loads(words.to_str())
    worst = min(score for _, score in content["model"]["vocab"]) - 10
    content["model"]["vocab"] += [[f"<0x{byte:02X}>", worst] for byte in range(256)]
    content["model"]["byte_fallback"] = True
    words = Tokenizer.from_str(json.dumps(content))
    words.decoder = _sentence_piece_decoder()
    words.post_processor = _begins_with("<s>", 1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
    config = LlamaConfig(**_SHAPE, vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, pad_token_id=2)
    generation = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    _save(folder, 5, lambda: LlamaForCausalLM(config), tokenizer, generation)


def write_gpt_neox(folder: Path) -> None:
    """Pythia's: byte-level BPE, <|endoftext|> for everything, added tokens for runs of spaces, no chat template."""
    specials = ["<|endoftext|>", "<|padding|>"]
    words = _byte_level_bpe(specials)
    words.add_tokens([AddedToken(" " * count, normalized=True) for count in range(24, 1, -1)])
    end = _ids(words, specials)[0]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token=specials[0], eos_token=specials[0], unk_token=specials[0]
    )
    config = GPTNeoXConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT_TOKENS,
        initializer_range=0.15,
        vocab_size=512,
        bos_token_id=end,
        eos_token_id=end,
        tie_word_embeddings=False,
    )
    _save(folder, 6, lambda: GPTNeoXForCausalLM(config), tokenizer, None)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "llama3": write_llama3,
    "qwen2": write_qwen2,
    "mistral": write_mistral,
    "llama2": write_llama2,
    "unigram": write_unigram,
    "gpt-neox": write_gpt_neox,
}


def _mistral_like(folder: Path, words: Tokenizer, seed: int) -> None:
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=640,
        special_tokens=["<unk>", "<s>", "</s>", *byte_tokens],
        max_token_length=9,
        show_progress=False,
    )
    words.train_from_iterator(_CORPUS, trainer)
    content = json.loads(words.to_str())
    # Bytes are entries of the vocabulary, not added tokens.
    content["added_tokens"] = [added for added in content["added_tokens"] if added["content"] not in byte_tokens]
    words = Tokenizer.from_str(json.dumps(content))
    words.decoder = _sentence_piece_decoder()
    words.post_processor = _begins_with("<s>", 1)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = LLAMA2_TEMPLATE
    config = MistralConfig(
        **_SHAPE,
        vocab_size=len(tokenizer),
        sliding_window=128,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )
    generation = {"bos_token_id": 1, "eos_token_id": 2}
    _save(folder, seed, lambda: MistralForCausalLM(config), tokenizer, generation)


def _byte_level_bpe(specials: Sequence[str]) -> Tokenizer:
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        _CORPUS, trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    )
    words.add_special_tokens([AddedToken(special, special=True, normalized=False) for special in specials])
    return words


def _ids(words: Tokenizer, specials: Sequence[str]) -> list[int]:
    """They have the last ids, in order."""
    vocabulary = words.get_vocab()
    return [vocabulary[special] for special in specials]


def _sentence_piece_decoder() -> decoders.Decoder:
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    return decoders.Sequence(parts)


def _begins_with(token: str, token_id: int) -> processors.PostProcessor:
    return processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B", special_tokens=[(token, token_id)]
    )


def _save(
    folder: Path,
    seed: int,
    create: Callable[[], PreTrainedModel],
    tokenizer: PreTrainedTokenizerFast,
    generation: dict[str, Any] | None,
) -> None:
    """generation: of generation_config.json; None: there is no such file."""
    torch.manual_seed(seed)
    create().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = Path(folder) / "generation_config.json"
    file.unlink(missing_ok=True)
    if generation is not None:
        file.write_text(json.dumps(generation, indent=2), encoding="utf-8")


if __name__ == "__main__":
    FAMILIES[sys.argv[1]](Path(sys.argv[2]))
