"""Exports load in the tools that they are for, and compute what the server computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from exported_models import ADAPTER, MERGED, bias_of, export, logprobs_of, rows, scores, trained_critic
from peft import PeftModel
from safetensors.torch import load_file
from server_client import RunClient, refused
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaForSequenceClassification,
)

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models

STATUS = grpc.StatusCode


def test_adapter_in_peft(run: RunClient) -> None:
    ref = run.step(run.create())
    folder = export(run, ref, ADAPTER)
    base = AutoModelForCausalLM.from_pretrained(run.base)
    plain = logprobs_of(base)
    assert logprobs_of(PeftModel.from_pretrained(base, folder)) == pytest.approx(run.logprobs(ref), abs=1e-5)
    assert plain != pytest.approx(run.logprobs(ref), abs=1e-3)


def test_adapter_comes_back_as_a_model(run: RunClient) -> None:
    ref = run.step(run.create())
    folder = export(run, ref, ADAPTER)
    copy = run.create("copy", peft_adapter=str(folder))
    assert copy.version.weights_hash == ref.version.weights_hash


def test_scalar_adapter_in_peft(run: RunClient) -> None:
    ref = trained_critic(run)
    folder = export(run, ref, ADAPTER)
    base = AutoModelForSequenceClassification.from_pretrained(run.base, num_labels=1)
    model = PeftModel.from_pretrained(base, folder)
    with torch.no_grad():
        plain = [model(row).logits.item() + bias_of(folder) for row in rows()]
    assert plain == pytest.approx(scores(run, ref), abs=1e-5)


def test_merged_language_model_in_transformers(run: RunClient) -> None:
    ref = run.step(run.create())
    folder = export(run, ref, MERGED)
    assert logprobs_of(AutoModelForCausalLM.from_pretrained(folder)) == pytest.approx(run.logprobs(ref), abs=1e-5)
    assert AutoTokenizer.from_pretrained(folder)("w3 <eos>")["input_ids"] == [5, 0]


def test_merged_full_copy_in_transformers(run: RunClient) -> None:
    ref = run.step(run.create(full=models.FullShape()))
    model = AutoModelForCausalLM.from_pretrained(export(run, ref, MERGED))
    assert logprobs_of(model) == pytest.approx(run.logprobs(ref), abs=1e-5)


def test_merged_scalar_model_is_a_sequence_classifier(run: RunClient) -> None:
    ref = trained_critic(run)
    folder = export(run, ref, MERGED)
    loaded: Any = LlamaForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    model, loading = loaded
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert model.config.num_labels == 1
    with torch.no_grad():
        plain = [model(row).logits.item() + bias_of(folder) for row in rows()]
    assert plain == pytest.approx(scores(run, ref), abs=1e-5)
    assert bias_of(folder) != 0


def test_merged_model_is_a_base_again(run: RunClient) -> None:
    ref = run.step(run.create())
    again = run.create("again", base=str(export(run, ref, MERGED)))
    assert run.logprobs(again) == pytest.approx(run.logprobs(ref), abs=1e-5)


def test_merged_weights_are_not_the_bases(run: RunClient) -> None:
    folder = export(run, run.step(run.create()), MERGED)
    merged, base = load_file(folder / "model.safetensors"), load_file(Path(run.base) / "model.safetensors")
    changed = {name for name in base if not torch.equal(base[name], merged[name])}
    assert changed
    assert all(name.startswith(("model.layers.2.", "model.layers.3.")) for name in changed)  # last_blocks = 2 of 4


def test_full_copy_has_no_adapter(run: RunClient) -> None:
    ref = run.create(full=models.FullShape())
    with refused(STATUS.INVALID_ARGUMENT, "ExportModelRequest.format", "full copy"):
        export(run, ref, ADAPTER)


def test_export_is_not_a_checkpoint(run: RunClient) -> None:
    export(run, run.create(), ADAPTER)
    reference = common.CheckpointRef(uri="stages/out", manifest_hash="0" * 64)
    with refused(STATUS.DATA_LOSS, "stages/out/manifest.json"):
        run.restore(reference)


def test_export_can_be_replaced_and_deleted(run: RunClient) -> None:
    ref = run.create()
    folder = export(run, ref, ADAPTER)
    assert export(run, ref, MERGED) == folder
    assert (folder / "model.safetensors").is_file()
    assert not (folder / "adapter_model.safetensors").exists()
    run.models.DeleteCheckpoint(models.DeleteCheckpointRequest(mutation=run.mutation(), uri="stages/out"))
    assert not folder.exists()
