"""Checkpoints: what is restored is what was saved, bit by bit, or nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from safetensors.torch import load_file, save_file
from server_client import RunClient, refused, serve

from drpo_server.engine.base_folder import hash_all_safetensors
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models

STATUS = grpc.StatusCode


def restored(saved_name: str, model: str, *, trainable: bool = True) -> models.RestoredModel:
    return models.RestoredModel(saved_name=saved_name, model=model, trainable=trainable)


class TestRestore:
    @pytest.mark.parametrize("fields", [{}, {"full": models.FullShape()}], ids=["lora", "full"])
    def test_training_goes_on_bit_by_bit(self, run: RunClient, fields: dict[str, Any]) -> None:
        saved = run.step(run.step(run.create(**fields)))
        checkpoint = run.save([saved])
        expected = run.step(run.step(saved))
        for generation in (2, 3):
            [ref] = run.restore(checkpoint)
            assert (ref.version.generation, ref.version.optimizer_step) == (generation, 2)
            assert ref.version.weights_hash == saved.version.weights_hash
            again = run.step(run.step(ref))
            assert (again.version.optimizer_step, again.version.weights_hash) == (4, expected.version.weights_hash)

    def test_several_models_in_the_manifests_order(self, run: RunClient) -> None:
        policy, critic = run.step(run.create()), run.critic()
        refs = run.restore(run.save([critic, policy]))
        assert [ref.model for ref in refs] == ["critic", "policy"]
        assert [ref.version.weights_hash for ref in refs] == [critic.version.weights_hash, policy.version.weights_hash]

    def test_under_another_name_and_frozen(self, run: RunClient) -> None:
        policy = run.step(run.create())
        [reference] = run.restore(run.save([policy]), restored("policy", "reference", trainable=False))
        assert (reference.model, reference.version.generation) == ("reference", 1)
        assert run.logprobs(reference) == run.logprobs(policy)
        with refused(STATUS.INVALID_ARGUMENT, "'reference' is frozen"):
            run.add_gradients(reference)

    def test_without_optimizer_state_the_optimizer_is_fresh(self, run: RunClient, tmp_path: Path) -> None:
        policy = run.step(run.create())
        request = models.SaveCheckpointRequest(mutation=run.mutation(), uri="checkpoints/bare", models=[policy])
        bare = run.result(run.models.SaveCheckpoint, request).checkpoint
        full = run.save([policy])
        after = {
            uri: run.step(run.restore(checkpoint)[0]).version
            for uri, checkpoint in (("bare", bare), ("full", full), ("bare again", bare))
        }
        assert after["bare"].weights_hash == after["bare again"].weights_hash != after["full"].weights_hash
        assert [path.name for path in (tmp_path / "checkpoints" / "bare").glob("*.safetensors")] == [
            "policy.safetensors"
        ]

    def test_on_a_base_that_moved(self, run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
        old = shutil.copytree(tiny_llama_folder, tmp_path / "old")
        saved = run.create(base=str(old))
        checkpoint = run.save([saved])
        moved = old.rename(tmp_path / "new")
        other = shutil.copytree(moved, tmp_path / "other")
        config = json.loads((other / "config.json").read_text())
        (other / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.5}))
        with serve(tmp_path) as (_, channel):
            later = RunClient(channel, moved, attempt="attempt-2")
            with refused(STATUS.NOT_FOUND, str(old), "Say where it is now"):
                later.restore(checkpoint)
            with refused(STATUS.INVALID_ARGUMENT, "trained on a base with hash", str(other)):
                later.restore(checkpoint, base=str(other))
            [ref] = later.restore(checkpoint, base=str(moved))
            assert ref.version.weights_hash == saved.version.weights_hash
            # By now a base with that hash is resident, so that it need not be named.
            assert later.restore(checkpoint)

    def test_a_checkpoint_of_before_config_json_was_hashed(self, run: RunClient, tmp_path: Path) -> None:
        checkpoint = run.save([run.create()])
        manifest = tmp_path / checkpoint.uri / "manifest.json"
        content = json.loads(manifest.read_text())
        content["models"][0]["base_hash"] = hash_all_safetensors(Path(run.base))
        manifest.write_text(json.dumps(content))
        older = common.CheckpointRef(
            uri=checkpoint.uri, manifest_hash=hashlib.sha256(manifest.read_bytes()).hexdigest()
        )
        assert run.restore(older)

    def test_drops_gradients(self, run: RunClient) -> None:
        policy = run.create()
        checkpoint = run.save([policy])
        request_id = run.add_gradients(policy)
        [ref] = run.restore(checkpoint)
        with refused(STATUS.FAILED_PRECONDITION, f"missing or failed: {request_id}"):
            run.trainer.OptimizerStep(run.step_request(ref, [request_id]))

    def test_drops_gradients_of_models_that_stay(self, run: RunClient) -> None:
        policy, other = run.create(), run.create("other")
        checkpoint = run.save([policy])
        run.add_gradients(other)
        run.restore(checkpoint)
        assert run.step(other).version.optimizer_step == 1

    def test_model_that_was_not_saved(self, run: RunClient) -> None:
        checkpoint = run.save([run.create()])
        with refused(STATUS.NOT_FOUND, "checkpoints/one holds no model 'critic'", "it has policy"):
            run.restore(checkpoint, restored("critic", "critic"))

    def test_base_with_other_weights(self, run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
        base = shutil.copytree(tiny_llama_folder, tmp_path / "base")
        checkpoint = run.save([run.create(base=str(base))])
        weights = load_file(base / "model.safetensors")
        weights["model.norm.weight"] += 1
        save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
        with serve(tmp_path) as (_, channel):
            later = RunClient(channel, base, attempt="attempt-2")
            with refused(STATUS.INVALID_ARGUMENT, "trained on a base with hash", str(base)):
                later.restore(checkpoint)


class TestDamage:
    """Every way in which a stored checkpoint can be wrong is said, and leaves the run as it was."""

    @pytest.fixture
    def saved(self, run: RunClient, tmp_path: Path) -> tuple[common.CheckpointRef, Path]:
        return run.save([run.step(run.create())]), tmp_path / "checkpoints" / "one"

    @pytest.mark.parametrize("name", ["policy.safetensors", "policy.optimizer.safetensors"])
    def test_flipped_bit(self, run: RunClient, saved: tuple[common.CheckpointRef, Path], name: str) -> None:
        checkpoint, folder = saved
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
        with refused(STATUS.DATA_LOSS, f"checkpoints/one/{name} has hash", "take another checkpoint"):
            run.restore(checkpoint)
        with refused(STATUS.ALREADY_EXISTS, "'policy'"):
            run.create()  # it is still there

    def test_missing_file(self, run: RunClient, saved: tuple[common.CheckpointRef, Path]) -> None:
        checkpoint, folder = saved
        (folder / "policy.safetensors").unlink()
        with refused(STATUS.DATA_LOSS, "checkpoints/one/policy.safetensors"):
            run.restore(checkpoint)

    def test_edited_manifest(self, run: RunClient, saved: tuple[common.CheckpointRef, Path]) -> None:
        checkpoint, folder = saved
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["models"][0]["optimizer_step"] = 7
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with refused(STATUS.DATA_LOSS, "checkpoints/one/manifest.json has hash", checkpoint.manifest_hash):
            run.restore(checkpoint)

    def test_no_checkpoint(self, run: RunClient) -> None:
        with refused(STATUS.NOT_FOUND, "no checkpoint checkpoints/none"):
            run.restore(common.CheckpointRef(uri="checkpoints/none", manifest_hash="0"))

    def test_no_manifest(self, run: RunClient, saved: tuple[common.CheckpointRef, Path]) -> None:
        checkpoint, folder = saved
        (folder / "manifest.json").unlink()
        with refused(STATUS.NOT_FOUND, "no checkpoint checkpoints/one"):
            run.restore(checkpoint)


class TestSave:
    def test_another_request_replaces_it(self, run: RunClient, tmp_path: Path) -> None:
        first = run.create()
        old = run.save([first])
        second = run.step(first)
        new = run.save([second])
        assert run.restore(new)[0].version.weights_hash == second.version.weights_hash
        with refused(STATUS.DATA_LOSS, "written anew"):
            run.restore(old)
        assert [path.name for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()] == ["one"]

    def test_stage_uri_is_below_the_stage_root(self, run: RunClient, tmp_path: Path) -> None:
        run.save([run.create()], "stages/sft/a1")
        assert (tmp_path / "stages" / "sft" / "a1" / "manifest.json").is_file()

    def test_a_folder_of_something_else_is_not_replaced(self, run: RunClient, tmp_path: Path) -> None:
        (tmp_path / "checkpoints" / "mine").mkdir()
        ref = run.create()
        with refused(STATUS.ALREADY_EXISTS, "checkpoints/mine", "not a checkpoint"):
            run.save([ref], "checkpoints/mine")

    def test_stale_version_is_refused_and_nothing_is_written(self, run: RunClient, tmp_path: Path) -> None:
        ref = run.create()
        run.step(ref)
        with refused(STATUS.FAILED_PRECONDITION, "optimiser step 1"):
            run.save([ref])
        assert not (tmp_path / "checkpoints" / "one").exists()

    def test_bytes_are_those_on_disk(self, run: RunClient, tmp_path: Path) -> None:
        request = models.SaveCheckpointRequest(
            mutation=run.mutation(), uri="checkpoints/one", models=[run.create()], with_optimizer_state=True
        )
        result = run.result(run.models.SaveCheckpoint, request)
        assert result.bytes == sum(path.stat().st_size for path in (tmp_path / "checkpoints" / "one").iterdir())


class TestDelete:
    def test_removes_it(self, run: RunClient, tmp_path: Path) -> None:
        run.save([run.create()])
        for _ in range(2):  # one that is not there is no error
            run.models.DeleteCheckpoint(models.DeleteCheckpointRequest(mutation=run.mutation(), uri="checkpoints/one"))
        assert [path for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()] == []

    def test_a_folder_of_checkpoints_is_kept(self, run: RunClient, tmp_path: Path) -> None:
        run.save([run.create()], "stages/sft/a1")
        with refused(STATUS.INVALID_ARGUMENT, "stages/sft", "not a checkpoint"):
            run.models.DeleteCheckpoint(models.DeleteCheckpointRequest(mutation=run.mutation(), uri="stages/sft"))
        assert (tmp_path / "stages" / "sft" / "a1").is_dir()


class TestAfterARestart:
    """Another server process on the same folders."""

    def test_finished_checkpoint_answers_without_models(self, tmp_path: Path, tiny_llama_folder: Path) -> None:
        with serve(tmp_path) as (_, channel):
            run = RunClient(channel, tiny_llama_folder)
            request = models.SaveCheckpointRequest(
                mutation=run.mutation(), uri="checkpoints/one", models=[run.create()]
            )
            answer = run.result(run.models.SaveCheckpoint, request)
        before = (tmp_path / "checkpoints" / "one").stat().st_ino
        with serve(tmp_path) as (_, channel):
            later = RunClient(channel, tiny_llama_folder, attempt="attempt-2")
            request.mutation.fence = later.fence
            assert later.result(later.models.SaveCheckpoint, request) == answer
        assert (tmp_path / "checkpoints" / "one").stat().st_ino == before

    def test_its_request_id_with_another_payload_is_refused(self, tmp_path: Path, tiny_llama_folder: Path) -> None:
        with serve(tmp_path) as (_, channel):
            run = RunClient(channel, tiny_llama_folder)
            request = models.SaveCheckpointRequest(
                mutation=run.mutation(), uri="checkpoints/one", models=[run.create()]
            )
            run.result(run.models.SaveCheckpoint, request)
        request.with_optimizer_state = True
        with (
            serve(tmp_path) as (_, channel),
            refused(STATUS.INVALID_ARGUMENT, "wrote checkpoints/one with another payload"),
        ):
            RunClient.result(RunClient(channel, tiny_llama_folder).models.SaveCheckpoint, request)

    def test_fences_and_generations_go_on(self, tmp_path: Path, tiny_llama_folder: Path) -> None:
        with serve(tmp_path) as (_, channel):
            run = RunClient(channel, tiny_llama_folder)
            checkpoint = run.save([run.create()])
        with serve(tmp_path) as (_, channel):
            assert RunClient(channel, tiny_llama_folder).fence == run.fence  # the same attempt, repeated
            later = RunClient(channel, tiny_llama_folder, attempt="attempt-2")
            assert later.fence == run.fence + 1
            assert later.restore(checkpoint)[0].version.generation == 2

    def test_models_are_gone_and_the_message_says_what_to_do(self, tmp_path: Path, tiny_llama_folder: Path) -> None:
        with serve(tmp_path) as (_, channel):
            ref = RunClient(channel, tiny_llama_folder).create()
        with serve(tmp_path) as (_, channel), refused(STATUS.NOT_FOUND, "restore the last checkpoint"):
            RunClient(channel, tiny_llama_folder).logprobs(ref)


def test_weights_of_the_file_are_those_of_the_model(run: RunClient, tmp_path: Path) -> None:
    run.save([run.step(run.create())])
    weights = load_file(tmp_path / "checkpoints" / "one" / "policy.safetensors")
    moments = load_file(tmp_path / "checkpoints" / "one" / "policy.optimizer.safetensors")
    assert all("lora_A" in name or "lora_B" in name for name in weights)
    assert {f"{name}.exp_avg" for name in weights} <= set(moments)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
