"""Tiny models in Hugging Face layout, made from configs: a few thousand random weights and a word tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

EOS = "<eos>"
EOS_ID = 0
VOCABULARY = [EOS, "<unk>", *(f"w{i}" for i in range(62))]
"""Word i of the tokenizer has id i; 64 in all."""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums are compared bit by bit in places, so that the thread count must not depend on the machine; and models this
    small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama: 4 blocks, hidden size 32, 4 heads over 2 key heads, vocabulary 64, tied embeddings, context 128."""
    torch.manual_seed(1)
    return _write(tmp_path_factory.mktemp("tiny-llama"), LlamaForCausalLM(_llama_config(tie_word_embeddings=True)))


@pytest.fixture(scope="session")
def tiny_gpt_neox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPT-NeoX: 3 blocks, hidden size 32, 4 heads, partial rotary embedding, separate output head, context 128."""
    torch.manual_seed(2)
    config = GPTNeoXConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=128,
        bos_token_id=EOS_ID,
        eos_token_id=EOS_ID,
        initializer_range=0.3,
    )
    return _write(tmp_path_factory.mktemp("tiny-gpt-neox"), GPTNeoXForCausalLM(config))


@pytest.fixture(scope="session")
def tiny_qwen3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Qwen 3: 2 blocks, head size unlike hidden size / heads, separate output head."""
    torch.manual_seed(3)
    config = Qwen3Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=128,
        bos_token_id=EOS_ID,
        eos_token_id=EOS_ID,
        initializer_range=0.3,
        tie_word_embeddings=False,
    )
    return _write(tmp_path_factory.mktemp("tiny-qwen3"), Qwen3ForCausalLM(config))


@pytest.fixture(scope="session")
def tiny_classifier_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama sequence classifier with one label, as another tool would train a reward model."""
    torch.manual_seed(4)
    config = _llama_config(tie_word_embeddings=False)
    config.num_labels = 1
    return _write(tmp_path_factory.mktemp("tiny-classifier"), LlamaForSequenceClassification(config))


def _llama_config(*, tie_word_embeddings: bool) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=EOS_ID,
        eos_token_id=EOS_ID,
        pad_token_id=EOS_ID,
        initializer_range=0.3,
        tie_word_embeddings=tie_word_embeddings,
    )


def _write(folder: Path, model: PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token=EOS, unk_token="<unk>", pad_token=EOS)
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message.role }} {{ message.content }} " + EOS + " {% endfor %}"
        "{% if add_generation_prompt %}assistant {% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return folder
