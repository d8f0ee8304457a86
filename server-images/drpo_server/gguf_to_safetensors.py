"""Turns a GGUF file into a base folder: float32 safetensors, config and tokenizer in Hugging Face layout.

    python -m drpo_server.gguf_to_safetensors FILE.gguf OUT_DIR

OUT_DIR appears only when it is complete (temporary folder, fsync, rename). Prints one JSON line on standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from drpo_server.durable_files import new_folder

EXIT_BAD_INPUT = 2


def convert(gguf_file: Path, out_dir: Path) -> None:
    """Writes out_dir from gguf_file. FileExistsError if out_dir is there already: nothing is overwritten."""
    if out_dir.exists():
        raise FileExistsError(f"{out_dir} already exists: remove it first, or use it as it is")
    with new_folder(out_dir) as partial:
        _write(gguf_file, partial)


def _write(gguf_file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(gguf_file.parent), "gguf_file": gguf_file.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model: Any = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    # transformers takes a model read from GGUF for a quantised one, and then refuses to save it.
    for holder in (model, model.config):
        for name in ("quantization_config", "hf_quantizer"):
            if hasattr(holder, name):
                delattr(holder, name)
    model.is_quantized = False
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.config.bos_token_id = model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m drpo_server.gguf_to_safetensors",
        description="Turn a GGUF file into a base folder (float32 safetensors, config, tokenizer).",
        epilog="example: python -m drpo_server.gguf_to_safetensors model.Q4_1.gguf assets/smollm2-135m",
    )
    parser.add_argument("gguf_file", type=Path, metavar="FILE.gguf")
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="folder to make; must not exist yet")
    options = parser.parse_args(arguments)
    if not options.gguf_file.is_file():
        print(f"no such file: {options.gguf_file}", file=sys.stderr)
        return EXIT_BAD_INPUT
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        convert(options.gguf_file, options.out_dir)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except (OSError, ValueError) as error:
        print(f"{options.gguf_file} cannot be converted: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(json.dumps({"event": "converted", "base": str(options.out_dir)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
