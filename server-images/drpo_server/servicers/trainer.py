"""TrainerService: forward passes, gradients and optimiser steps."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from drpo_server.compute import Call
from drpo_server.engine.losses import output_of
from drpo_server.engine.types import ModelLoss, OutputRequest
from drpo_server.errors import FailedPrecondition, InvalidArgument, engine_refusals
from drpo_server.kept_batches import use_batch
from drpo_server.proto_gen import trainer_service_pb2 as pb
from drpo_server.proto_gen.trainer_service_pb2_grpc import TrainerServiceServicer
from drpo_server.rpc import streaming, unary, watch
from drpo_server.runs import Run
from drpo_server.services import Services
from drpo_server.wire.batch import check_batch_fits, decode_batch_input
from drpo_server.wire.fields import decode_id, finite, refuse_duplicates, require
from drpo_server.wire.losses import check_loss_fits, decode_loss
from drpo_server.wire.optimizer import decode_adamw
from drpo_server.wire.outputs import check_head, decode_output
from drpo_server.wire.references import decode_model_ref, decode_mutation, decode_run_id


class TrainerServicer(TrainerServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @streaming
    def Forward(self, request: pb.ForwardRequest, context: grpc.ServicerContext) -> Iterator[pb.ForwardResponse]:
        where = "ForwardRequest"
        run_id = decode_run_id(request.run_id, where)
        batch = decode_batch_input(request, where)
        if not request.outputs:
            raise InvalidArgument(f"{where}.outputs is empty: name at least one output")
        outputs = [decode_output(item, f"{where}.outputs[{index}]") for index, item in enumerate(request.outputs)]

        def work(call: Call) -> pb.ForwardResult:
            run = self._services.runs.get(run_id)
            models = [run.find(output.ref).model for output in outputs]
            rows = use_batch(run, batch, self._services.engine)
            for index, (output, model) in enumerate(zip(outputs, models, strict=True)):
                check_head(output.output, model.head, model.name, f"{where}.outputs[{index}]")
                check_batch_fits(rows.batch, model.base, f"{where}.batch.rows")
            requests = [
                OutputRequest(model, output.output, output.temperature)
                for output, model in zip(outputs, models, strict=True)
            ]
            engine = self._services.engine
            with engine_refusals(where):
                results, budget = self._services.splits.of(request, rows.rows_hash).run(
                    lambda budget: engine.forward(rows.engine_input, requests, call.report_progress, budget),
                    engine.token_budget,
                    longest_row=int(rows.batch.row_lengths.max()),
                )
            return pb.ForwardResult(
                outputs=[pb.FloatArray(values=result.tolist()) for result in results], token_budget=budget
            )

        call = self._services.compute.submit(work, request)
        return watch(call, context, pb.ForwardResponse, cancel_with_caller=True)

    @streaming
    def ForwardBackward(
        self, request: pb.ForwardBackwardRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ForwardBackwardResponse]:
        where = "ForwardBackwardRequest"
        mutation = decode_mutation(request)
        batch = decode_batch_input(request, where)
        if not request.losses:
            raise InvalidArgument(f"{where}.losses is empty: send at least one loss")
        losses = [decode_loss(item, f"{where}.losses[{index}]") for index, item in enumerate(request.losses)]
        if batch.rows is not None:
            for loss in losses:
                check_loss_fits(loss, batch.rows)

        def work(run: Run, call: Call) -> pb.ForwardBackwardResult:
            run.refuse_accumulated(mutation.request_id)
            found = [run.find(loss.ref) for loss in losses]
            rows = use_batch(run, batch, self._services.engine)
            for loss, item in zip(losses, found, strict=True):
                check_loss_fits(loss, rows.batch)
                check_batch_fits(rows.batch, item.model.base, f"{where}.batch.rows")
                check_head(output_of(loss.loss), item.model.head, item.model.name, loss.where)
                if not item.model.trainable:
                    raise InvalidArgument(
                        f"{loss.where}: model {item.model.name!r} is frozen: send losses on trainable models"
                    )
            engine_losses = [
                ModelLoss(item.model, loss.loss, loss.temperature) for loss, item in zip(losses, found, strict=True)
            ]
            engine = self._services.engine
            with engine_refusals(where):
                done, budget = self._services.splits.of(request, rows.rows_hash).run(
                    lambda budget: engine.gradient_pass(rows.engine_input, engine_losses, call.report_progress, budget),
                    engine.token_budget,
                    longest_row=int(rows.batch.row_lengths.max()),
                )
            result = pb.ForwardBackwardResult(
                losses=[pb.LossResult(loss=loss.loss, outputs=loss.outputs.tolist()) for loss in done.losses],
                token_budget=budget,
            )
            # Last, when nothing can fail any more: a call that fails is sent again, and would count twice.
            for item in found:
                item.gradient_requests.add(mutation.request_id)
            done.accumulate()
            return result

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.ForwardBackwardResponse)

    @unary
    def OptimizerStep(
        self, request: pb.OptimizerStepRequest, context: grpc.ServicerContext
    ) -> pb.OptimizerStepResponse:
        where = "OptimizerStepRequest"
        mutation = decode_mutation(request)
        ref = decode_model_ref(request, "model", where)
        expected = list(request.forward_backward_request_ids)
        for index, request_id in enumerate(expected):
            decode_id(request_id, f"{where}.forward_backward_request_ids[{index}]", "name a ForwardBackward request")
        if not expected:
            raise InvalidArgument(
                f"{where}.forward_backward_request_ids is empty: name the requests whose gradients to use"
            )
        refuse_duplicates(expected, f"{where}.forward_backward_request_ids")
        require(request, "adamw", where)
        adamw = decode_adamw(request.adamw, f"{where}.adamw")
        max_norm = finite(request.max_gradient_norm, f"{where}.max_gradient_norm", at_least=0)

        def work(run: Run, call: Call) -> pb.OptimizerStepResponse:
            found = run.find(ref)
            if not found.model.trainable:
                raise InvalidArgument(f"{where}.model: {ref.model!r} is frozen: step trainable models")
            _check_gradients(found.gradient_requests, set(expected), ref.model)
            try:
                with engine_refusals(where):
                    norm = self._services.engine.optimizer_step(found.model, adamw, max_norm)
            finally:
                if not found.model.gradients:  # used up, or lost in a step that failed half-way
                    found.gradient_requests.clear()
            return pb.OptimizerStepResponse(version=found.version(), gradient_norm=norm)

        return self._services.mutations.begin(request, mutation, work).answer(pb.OptimizerStepResponse)


def _check_gradients(accumulated: set[str], expected: set[str], model: str) -> None:
    """Raises FailedPrecondition unless the accumulated gradients are exactly those of the requests named."""
    missing, extra = sorted(expected - accumulated), sorted(accumulated - expected)
    if missing or extra:
        raise FailedPrecondition(
            f"the gradients of model {model!r} are not those of the requests named (missing or failed: "
            f"{', '.join(missing) or 'none'}; not named: {', '.join(extra) or 'none'}): restore the last checkpoint "
            "and replay "
            "the iteration"
        )
