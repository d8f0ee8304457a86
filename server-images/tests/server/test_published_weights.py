"""A second server samples what the first one publishes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from server_client import ROWS, RunClient, refused, serve

from drpo_server import trainer_files
from drpo_server.errors import FailedPrecondition, Unavailable
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.settings import SettingsError, read_settings
from drpo_server.storage import MANIFEST
from drpo_server.trainer_files import TrainerFiles


@dataclass
class Pair:
    """Clients of a trainer and of a sampler, for one run."""

    trainer: RunClient
    sampler: RunClient
    trainer_root: Path
    sampler_root: Path

    def publish(self, ref: common.ModelRef) -> common.CheckpointRef:
        request = models.SaveCheckpointRequest(
            mutation=self.trainer.mutation(),
            uri=f"checkpoints/sync/{ref.model}-{ref.version.weights_hash[:16]}",
            models=[ref],
        )
        published: common.CheckpointRef = self.trainer.result(self.trainer.models.SaveCheckpoint, request).checkpoint
        return published

    def sync(self, ref: common.ModelRef, published: common.CheckpointRef) -> samples.SyncWeightsResult:
        request = samples.SyncWeightsRequest(mutation=self.sampler.mutation(), model=ref, checkpoint=published)
        result: samples.SyncWeightsResult = self.sampler.result(self.sampler.sampler.SyncWeights, request)
        return result

    def hold(self, ref: common.ModelRef) -> samples.SyncWeightsResult:
        return self.sync(ref, self.publish(ref))


@pytest.fixture(params=["folder", "trainer"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, tiny_llama_folder: Path) -> Iterator[Pair]:
    """The sampler finds weights on a disk that both see, or asks the trainer for them."""
    root, other = tmp_path / "trainer", tmp_path / "sampler"
    with serve(root) as (bound, channel):
        place = str(root / "checkpoints") if request.param == "folder" else f"127.0.0.1:{bound.port}"
        with serve(other, "--weights-from", place) as (_, sampler_channel):
            yield Pair(
                RunClient(channel, tiny_llama_folder), RunClient(sampler_channel, tiny_llama_folder), root, other
            )


def logprobs(client: RunClient, **fields: Any) -> list[float]:
    """Of ROWS, by ComputeLogprobs."""
    request = samples.ComputeLogprobsRequest(run_id=client.run_id, rows=ROWS, **fields)
    return list(client.result(client.sampler.ComputeLogprobs, request).logprobs)


def rollouts(client: RunClient, ref: common.ModelRef) -> list[samples.SampledRollout]:
    return list(client.answers(client.sampler.SampleRollouts, client.sample_request(ref)))


@pytest.mark.parametrize("shape", ["adapter", "merged weights"])
def test_a_sampler_holds_what_the_trainer_published_version_after_version(pair: Pair, shape: str) -> None:
    fields = {} if shape == "adapter" else {"full": models.FullShape()}
    old = pair.trainer.step(pair.trainer.create("policy", **fields))
    assert pair.hold(old) == samples.SyncWeightsResult(version=old.version, held_as=shape)
    assert rollouts(pair.sampler, old) == rollouts(pair.trainer, old)
    assert logprobs(pair.sampler, model=old) == pair.trainer.logprobs(old)

    new = pair.trainer.step(old)
    with refused(
        grpc.StatusCode.FAILED_PRECONDITION, old.version.weights_hash[:12], f"step {new.version.optimizer_step}"
    ):
        rollouts(pair.sampler, new)
    pair.hold(new)
    assert logprobs(pair.sampler, model=new) == pair.trainer.logprobs(new) != pair.trainer.logprobs(new)[:0]
    assert rollouts(pair.sampler, new) == rollouts(pair.trainer, new)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, new.version.weights_hash[:12], "optimiser step 1"):
        rollouts(pair.sampler, old)


def test_models_are_held_side_by_side_and_the_same_weights_are_not_fetched_twice(pair: Pair) -> None:
    policy, reference = pair.trainer.step(pair.trainer.create("policy")), pair.trainer.create("reference")
    published = pair.publish(policy)
    pair.sync(policy, published)
    pair.hold(reference)
    assert logprobs(pair.sampler, model=reference) == pair.trainer.logprobs(reference)
    assert logprobs(pair.sampler, model=policy) == pair.trainer.logprobs(policy)

    shutil.rmtree(pair.trainer_root / published.uri)
    restored = common.ModelRef(model="policy", version=policy.version)
    restored.version.generation += 1
    assert pair.sync(restored, published).version == restored.version
    assert logprobs(pair.sampler, model=restored) == pair.trainer.logprobs(policy)


def test_a_base_computes_what_an_adapter_of_zeros_does(pair: Pair, tiny_llama_folder: Path) -> None:
    fresh = pair.trainer.create("fresh")
    assert logprobs(pair.sampler, base=str(tiny_llama_folder)) == pair.trainer.logprobs(fresh)


def test_what_is_not_the_version_is_refused(pair: Pair) -> None:
    policy = pair.trainer.create("policy")
    published = pair.publish(policy)
    moved = pair.trainer.step(policy)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, policy.version.weights_hash, moved.version.weights_hash):
        pair.sync(moved, published)
    with refused(grpc.StatusCode.NOT_FOUND, "holds no model 'guide'"):
        pair.sync(common.ModelRef(model="guide", version=policy.version), published)
    with refused(grpc.StatusCode.NOT_FOUND, "there is no checkpoint"):
        pair.sync(policy, common.CheckpointRef(uri="checkpoints/none", manifest_hash=published.manifest_hash))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "published under checkpoints/"):
        pair.sync(policy, common.CheckpointRef(uri="stages/sft", manifest_hash=published.manifest_hash))


def test_a_server_that_trains_or_was_told_nothing_takes_no_weights(run: RunClient) -> None:
    policy = run.create("policy")
    published = run.save([policy])
    request = samples.SyncWeightsRequest(mutation=run.mutation(), model=policy, checkpoint=published)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "this server trains 'policy' itself"):
        run.result(run.sampler.SyncWeights, request)
    other = common.ModelRef(model="other", version=policy.version)
    request = samples.SyncWeightsRequest(mutation=run.mutation(), model=other, checkpoint=published)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "--weights-from"):
        run.result(run.sampler.SyncWeights, request)


def test_a_base_that_lies_elsewhere_is_found_by_its_hash(tmp_path: Path, tiny_llama_folder: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    shutil.copytree(tiny_llama_folder, theirs)
    shutil.copytree(tiny_llama_folder, ours)
    root = tmp_path / "trainer"
    with serve(root) as (_, channel):
        trainer = RunClient(channel, theirs)
        policy = trainer.create("policy")
        published = trainer.save([policy])
    shutil.rmtree(theirs)
    with serve(tmp_path / "sampler", "--weights-from", str(root / "checkpoints")) as (bound, channel):
        sampler = RunClient(channel, ours)
        request = samples.SyncWeightsRequest(mutation=sampler.mutation(), model=policy, checkpoint=published)
        with refused(grpc.StatusCode.NOT_FOUND, "--preload", str(theirs)):
            sampler.result(sampler.sampler.SyncWeights, request)
        bound.services.bases.load(str(ours), "--preload")
        assert sampler.result(sampler.sampler.SyncWeights, request).version == policy.version


def test_of_each_model_only_the_newest_download_is_kept(pair: Pair) -> None:
    policy, reference = pair.trainer.create("policy"), pair.trainer.create("reference")
    pair.hold(reference)
    for _ in range(3):
        policy = pair.trainer.step(policy)
        pair.hold(policy)
    cache = pair.sampler_root / "checkpoints" / ".weights" / "sync"
    if not cache.exists():
        return  # weights on a shared disk are read where they are
    wanted = [f"policy-{policy.version.weights_hash[:16]}", f"reference-{reference.version.weights_hash[:16]}"]
    assert sorted(path.name for path in cache.iterdir()) == wanted
    assert (cache / wanted[0] / MANIFEST).is_file()


def test_a_trainer_is_asked_with_its_token(
    tmp_path: Path, tiny_llama_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(tmp_path) as (_, channel):
        run = RunClient(channel, tiny_llama_folder)
        published = run.save([run.create("policy")])
    with serve(tmp_path, token="secret") as (bound, _):
        address = f"127.0.0.1:{bound.port}"

        def manifest(token: str | None) -> bytes:
            files = TrainerFiles(address, token=token, tls_ca=None)
            return b"".join(files.read(published.uri, published.manifest_hash, MANIFEST, 0))

        assert hashlib.sha256(manifest("secret")).hexdigest() == published.manifest_hash
        with pytest.raises(FailedPrecondition, match="DRPO_TRAINER_TOKEN") as caught:
            manifest("guessed")
        assert "guessed" not in str(caught.value)
    monkeypatch.setattr(trainer_files, "_ATTEMPTS", 1)
    with pytest.raises(Unavailable, match=address):
        manifest("secret")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--weights-from", "gpu-1:50051"], "--weights-tls-ca"),
        (["--weights-from", "/shared/run", "--weights-tls-ca", __file__], "leave it out"),
        (["--weights-tls-ca", __file__], "leave it out"),
    ],
)
def test_weights_travel_encrypted_or_not_at_all(tmp_path: Path, options: list[str], words: str) -> None:
    roots = ["--checkpoint-root", str(tmp_path), "--stage-root", str(tmp_path)]
    with pytest.raises(SettingsError, match=words):
        read_settings([*roots, *options], {})
