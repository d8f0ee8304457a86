"""ModelService: runs, models and checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import torch

from drpo_server import __version__
from drpo_server.checkpoints import Written, find_written, open_checkpoint, write_checkpoint
from drpo_server.compute import Call
from drpo_server.device_memory import device_memory
from drpo_server.engine.types import Output
from drpo_server.errors import AlreadyExists, InvalidArgument, engine_refusals
from drpo_server.export import ExportFormat, export_model
from drpo_server.in_step import on_first
from drpo_server.memory_plan.answer import answer_plan
from drpo_server.mutations import payload_hash
from drpo_server.proto_gen import model_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import CheckpointRef, ModelRef, Progress
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceServicer
from drpo_server.proto_gen.schema_hash import SCHEMA_HASH
from drpo_server.restore import Wanted, restore_models
from drpo_server.rpc import streaming, unary, watch
from drpo_server.runs import Run
from drpo_server.send_weights import send_weights
from drpo_server.services import Services
from drpo_server.storage import RequestIdentity
from drpo_server.stored_files import check_path, open_stored_folder, read_stored_file
from drpo_server.wire.broadcast import decode_members, encode_spec
from drpo_server.wire.fields import decode_enum, decode_id, decode_name, decode_uri, refuse_duplicates, require
from drpo_server.wire.memory_plan import decode_planned_models, decode_workload, encode_plan
from drpo_server.wire.outputs import check_head
from drpo_server.wire.references import check_model_ref, decode_model_ref, decode_mutation, decode_run_id
from drpo_server.wire.shapes import decode_head, decode_shape

_EXPORT_FORMATS: dict[int, ExportFormat] = {
    pb.EXPORT_FORMAT_PEFT_ADAPTER: ExportFormat.PEFT_ADAPTER,
    pb.EXPORT_FORMAT_MERGED: ExportFormat.MERGED,
}


_ELSEWHERE = Path()
"""A folder that another process writes."""


class ModelServicer(ModelServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @unary
    def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetServerInfoResponse:
        engine = self._services.engine
        total, available = device_memory(engine.device)
        return pb.GetServerInfoResponse(
            schema_hash=SCHEMA_HASH,
            server_version=__version__,
            engine=f"torch {torch.__version__}",
            device=str(engine.device),
            compute_threads=torch.get_num_threads(),
            memory_total_bytes=total,
            memory_available_bytes=available,
            capabilities=["sampler", "trainer", "tokenizer", "reward-model"],
            instance_id=self._services.instance_id,
            resident_bases=self._services.bases.resident(),
            processes=engine.group.size,
            dtype=str(engine.dtype).removeprefix("torch."),
            sampling_slots=1,
            token_budget=engine.token_budget,
        )

    @unary
    def AcquireRun(self, request: pb.AcquireRunRequest, context: grpc.ServicerContext) -> pb.AcquireRunResponse:
        decode_run_id(request.run_id, "AcquireRunRequest")
        decode_id(request.request_id, "AcquireRunRequest.request_id", "give every attempt to acquire an id of its own")
        run = self._services.runs.get(request.run_id)
        return pb.AcquireRunResponse(fence=run.acquire(request.request_id, self._services.compute))

    @unary
    def ReleaseAnswers(
        self, request: pb.ReleaseAnswersRequest, context: grpc.ServicerContext
    ) -> pb.ReleaseAnswersResponse:
        run = self._services.mutations.at_once(request, decode_mutation(request))

        def work() -> pb.ReleaseAnswersResponse:
            answers_left, batches_left = run.release(request.request_ids, request.kept_batch_ids)
            return pb.ReleaseAnswersResponse(answers_left=answers_left, batches_left=batches_left)

        return self._services.compute.in_turn(request, pb.ReleaseAnswersResponse, work)

    @unary
    def PlanMemory(self, request: pb.PlanMemoryRequest, context: grpc.ServicerContext) -> pb.PlanMemoryResponse:
        bases = self._services.bases
        models, workload = decode_planned_models(request, bases), decode_workload(request)

        def work(call: Call) -> pb.PlanMemoryResponse:  # in turn: models that are being freed count no more
            with engine_refusals("PlanMemoryRequest.models"):
                return encode_plan(answer_plan(models, workload, self._services.engine, bases))

        return self._services.compute.submit(work, None).answer(pb.PlanMemoryResponse)

    @streaming
    def CreateModel(
        self, request: pb.CreateModelRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.CreateModelResponse]:
        where = "CreateModelRequest"
        mutation = decode_mutation(request)
        name = decode_name(request.model, f"{where}.model")
        shape, head = decode_shape(request, where), decode_head(request, where)
        if not request.base:
            raise InvalidArgument(f"{where}.base is missing: name the folder of the base")
        origin = request.WhichOneof("initialised_from")
        if origin is not None and not getattr(request, origin):
            raise InvalidArgument(f"{where}.{origin} is empty: name the {origin}, or leave it out")
        if request.reset_head and origin != "copy_of":
            raise InvalidArgument(f"{where}.reset_head is set without copy_of: a new scalar head is zeros already")

        def work(run: Run, call: Call) -> pb.CreateModelResult:
            if name in run.models:
                raise AlreadyExists(
                    f"run {run.run_id!r} has a model {name!r} already: delete it first, or choose another name"
                )
            source = run.find(ModelRef(model=request.copy_of)).model if origin == "copy_of" else None
            base = self._services.bases.load(request.base, f"{where}.base")
            with engine_refusals(where):
                model = self._services.engine.create_model(
                    name=name,
                    base=base,
                    lora=shape,
                    head=head,
                    trainable=request.trainable,
                    seed=request.seed,
                    copy_of=source,
                    peft_adapter=Path(request.peft_adapter) if origin == "peft_adapter" else None,
                    reset_head=request.reset_head,
                )
            [added] = run.add({name: model})
            return pb.CreateModelResult(
                version=added.version(),
                vocabulary_size=base.vocabulary_size,
                context_tokens=base.context_tokens,
                trainable_weights=model.trainable_weights,
                base_hash=base.base_hash,
            )

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.CreateModelResponse)

    @unary
    def DeleteModel(self, request: pb.DeleteModelRequest, context: grpc.ServicerContext) -> pb.DeleteModelResponse:
        mutation = decode_mutation(request)
        name = decode_name(request.model, "DeleteModelRequest.model")

        def work(run: Run, call: Call) -> pb.DeleteModelResponse:
            run.find(ModelRef(model=name))
            del run.models[name]
            return pb.DeleteModelResponse()

        return self._services.mutations.begin(request, mutation, work).answer(pb.DeleteModelResponse)

    @streaming
    def SaveCheckpoint(
        self, request: pb.SaveCheckpointRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SaveCheckpointResponse]:
        where = "SaveCheckpointRequest"
        mutation = decode_mutation(request)
        uri = decode_uri(request.uri, f"{where}.uri")
        if not request.models:
            raise InvalidArgument(f"{where}.models is empty: name the models to write")
        refs = [check_model_ref(ref, f"{where}.models[{index}]") for index, ref in enumerate(request.models)]
        refuse_duplicates([ref.model for ref in refs], f"{where}.models")
        storage, group = self._services.storage, self._services.engine.group
        identity = RequestIdentity(mutation.run_id, mutation.request_id, payload_hash(request, mutation))

        def encode(written: Written) -> pb.SaveCheckpointResult:
            checkpoint = CheckpointRef(uri=uri, manifest_hash=written.manifest_hash)
            return pb.SaveCheckpointResult(checkpoint=checkpoint, bytes=written.bytes)

        def find_durable() -> pb.SaveCheckpointResult | None:
            written = find_written(storage.folder(uri), uri, identity)
            return encode(written) if written is not None else None

        def work(run: Run, call: Call) -> pb.SaveCheckpointResult:
            saved = [run.find(ref).model for ref in refs]
            for model in saved:
                with engine_refusals(where):
                    self._services.engine.refuse_not_finite(model)
            written = write_checkpoint(
                on_first(group, lambda: storage.writable_folder(uri)) or _ELSEWHERE,
                saved,
                group=group,
                with_optimizer_state=request.with_optimizer_state,
                request=identity,
                on_progress=call.report_progress,
            )
            return encode(written)

        call = self._services.mutations.begin(request, mutation, work, find_durable)
        return watch(call, context, pb.SaveCheckpointResponse)

    @streaming
    def RestoreCheckpoint(
        self, request: pb.RestoreCheckpointRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.RestoreCheckpointResponse]:
        where = "RestoreCheckpointRequest"
        mutation = decode_mutation(request)
        require(request, "checkpoint", where)
        uri = decode_uri(request.checkpoint.uri, f"{where}.checkpoint.uri")
        expected_hash = decode_id(
            request.checkpoint.manifest_hash, f"{where}.checkpoint.manifest_hash", "send what SaveCheckpoint answered"
        )
        wanted = [
            Wanted(
                decode_name(item.saved_name, f"{where}.models[{index}].saved_name"),
                decode_name(item.model, f"{where}.models[{index}].model"),
                item.trainable,
            )
            for index, item in enumerate(request.models)
        ]
        refuse_duplicates([item.name for item in wanted], f"{where}.models")

        def work(run: Run, call: Call) -> pb.RestoreCheckpointResult:
            checkpoint = open_checkpoint(self._services.storage.folder(uri), uri, expected_hash)
            models = restore_models(
                checkpoint,
                wanted,
                base=request.base,
                engine=self._services.engine,
                bases=self._services.bases,
                on_progress=call.report_progress,
            )
            run.discard_gradients(self._services.engine)
            added = run.add(models)
            return pb.RestoreCheckpointResult(
                models=[ModelRef(model=item.model.name, version=item.version()) for item in added]
            )

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.RestoreCheckpointResponse)

    @unary
    def DeleteCheckpoint(
        self, request: pb.DeleteCheckpointRequest, context: grpc.ServicerContext
    ) -> pb.DeleteCheckpointResponse:
        mutation = decode_mutation(request)
        uri = decode_uri(request.uri, "DeleteCheckpointRequest.uri")

        def work(run: Run, call: Call) -> pb.DeleteCheckpointResponse:
            on_first(self._services.engine.group, lambda: self._services.storage.remove(uri))
            return pb.DeleteCheckpointResponse()

        return self._services.mutations.begin(request, mutation, work).answer(pb.DeleteCheckpointResponse)

    @streaming
    def ExportModel(
        self, request: pb.ExportModelRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportModelResponse]:
        where = "ExportModelRequest"
        mutation = decode_mutation(request)
        ref = decode_model_ref(request, "model", where)
        export_format = decode_enum(request.format, _EXPORT_FORMATS, f"{where}.format")
        uri = decode_uri(request.uri, f"{where}.uri")
        identity = RequestIdentity(mutation.run_id, mutation.request_id, payload_hash(request, mutation))

        def work(run: Run, call: Call) -> pb.ExportModelResult:
            model = run.find(ref).model
            group = self._services.engine.group
            folder = on_first(group, lambda: self._services.storage.writable_folder(uri)) or _ELSEWHERE
            with engine_refusals(f"{where}.format"):
                size = export_model(
                    folder, model, export_format, group=group, request=identity, on_progress=call.report_progress
                )
            return pb.ExportModelResult(path=str(folder), bytes=size)

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.ExportModelResponse)

    @unary
    def ListFiles(self, request: pb.ListFilesRequest, context: grpc.ServicerContext) -> pb.ListFilesResponse:
        uri = decode_uri(request.uri, "ListFilesRequest.uri")
        stored = open_stored_folder(self._services.storage.folder(uri), uri)
        files = [pb.StoredFile(path=file.path, bytes=file.bytes, sha256=file.sha256) for file in stored.files.values()]
        return pb.ListFilesResponse(manifest_hash=stored.manifest_hash, files=files)

    @streaming
    def ReadFile(self, request: pb.ReadFileRequest, context: grpc.ServicerContext) -> Iterator[pb.ReadFileResponse]:
        where = "ReadFileRequest"
        uri = decode_uri(request.uri, f"{where}.uri")
        manifest_hash = decode_id(request.manifest_hash, f"{where}.manifest_hash", "send what ListFiles answered")
        path = check_path(request.path, f"{where}.path")
        stored = open_stored_folder(self._services.storage.folder(uri), uri)
        done = request.offset
        total, chunks = read_stored_file(stored, path, manifest_hash=manifest_hash, offset=done)
        yield pb.ReadFileResponse(progress=Progress(done=done, total=total))
        for chunk in chunks:
            yield pb.ReadFileResponse(data=chunk)

    @streaming
    def SendWeights(
        self, request: pb.SendWeightsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SendWeightsResponse]:
        where = "SendWeightsRequest"
        run_id = decode_run_id(request.run_id, where)
        ref = decode_model_ref(request, "model", where)
        require(request, "group", where)
        members = decode_members(request.group, f"{where}.group")

        def work(call: Call) -> pb.SendWeightsResult:
            found = self._services.runs.get(run_id).find(ref)
            check_head(Output.LOGPROBS, found.model.head, found.model.name, f"{where}.model")
            call.emit(pb.WeightList(weights=[encode_spec(spec) for spec in found.model.merged_specs()]))
            sent = send_weights(found.model, members, self._services.compute.in_step.group, call.report_progress)
            return pb.SendWeightsResult(version=found.version(), bytes=sent)

        call = self._services.compute.submit(work, request)
        parts = {"WeightList": "list", "SendWeightsResult": "result"}
        return watch(call, context, pb.SendWeightsResponse, part=parts)
