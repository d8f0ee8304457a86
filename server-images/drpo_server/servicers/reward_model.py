"""RewardModelService: one number for a text."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from drpo_server.compute import Call
from drpo_server.engine.types import Output, OutputRequest
from drpo_server.errors import engine_refusals
from drpo_server.proto_gen import reward_model_service_pb2 as pb
from drpo_server.proto_gen.reward_model_service_pb2_grpc import RewardModelServiceServicer
from drpo_server.rpc import streaming, watch
from drpo_server.services import Services
from drpo_server.wire.batch import check_batch_fits, decode_rows
from drpo_server.wire.fields import require
from drpo_server.wire.outputs import check_head
from drpo_server.wire.references import decode_model_ref, decode_run_id


class RewardModelServicer(RewardModelServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @streaming
    def ScoreRollouts(
        self, request: pb.ScoreRolloutsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ScoreRolloutsResponse]:
        where = "ScoreRolloutsRequest"
        run_id = decode_run_id(request.run_id, where)
        ref = decode_model_ref(request, "model", where, any_version=True)
        require(request, "rows", where)
        rows = decode_rows(request.rows, f"{where}.rows", spans_used=False)

        def work(call: Call) -> pb.ScoreRolloutsResult:
            model = self._services.runs.get(run_id).find(ref).model
            check_head(Output.SCORES, model.head, model.name, f"{where}.model")
            check_batch_fits(rows, model.base, f"{where}.rows")
            with engine_refusals(where):
                engine = self._services.engine
                requests = [OutputRequest(model, Output.SCORES)]
                [scores], _ = self._services.splits.of(request).run(
                    lambda budget: engine.forward(rows, requests, call.report_progress, budget),
                    engine.token_budget,
                    longest_row=int(rows.row_lengths.max()),
                )
            return pb.ScoreRolloutsResult(scores=scores.tolist())

        call = self._services.compute.submit(work, request, total=len(rows.row_lengths))
        return watch(call, context, pb.ScoreRolloutsResponse, cancel_with_caller=True)
