"""Writes a Llama of a few thousand random weights, and a word tokenizer, to the folder given.

write-tiny-base.py FOLDER [HEADS]    HEADS: attention heads, which share 32 numbers (default: 4)
"""

import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

EOS = "<eos>"
VOCABULARY = [EOS, "<unk>", *(f"w{i}" for i in range(30))]

folder, heads = sys.argv[1], int((sys.argv[2:] or ["4"])[0])
torch.manual_seed(1)
LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=heads,
        num_key_value_heads=max(1, heads // 2),
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
).save_pretrained(folder)
words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=words, eos_token=EOS, unk_token="<unk>", pad_token=EOS).save_pretrained(folder)
