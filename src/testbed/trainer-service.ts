import type { Loss } from "../ports/trainer.js";
import {
  ForwardBackwardRequest,
  type ForwardBackwardResult,
  type ForwardRequest,
  type ForwardResult,
  OptimizerStepRequest,
  type OptimizerStepResponse,
  type TrainerServiceServer,
} from "../proto-gen/drpo/v1/trainer_service.js";
import { checkHead, checkTrainable } from "./check-model.js";
import { decodeBatch, takeBatch } from "./decode-batch.js";
import { decodeLoss, decodeOutput } from "./decode-loss.js";
import { findModel } from "./find-model.js";
import { forward } from "./forward.js";
import { type Gate, streaming, unary } from "./handlers.js";
import { accumulate, lossPass } from "./loss-pass.js";
import { lossOutput } from "./losses.js";
import { mutate } from "./mutate.js";
import { invalid, refused } from "./service-error.js";
import { stepModel } from "./step-model.js";
import { type TabularModel, versionOf } from "./tabular-model.js";
import { findRun, type RunState, type World } from "./world.js";

/** Tables are never cut into micro-batches. */
const UNLIMITED = 2 ** 32 - 1;

/** TrainerService on tables: exact losses and gradients in float64. */
export const trainerService = (world: World, gate: Gate): TrainerServiceServer => ({
  forward: streaming(gate, "Forward", (request: ForwardRequest) => [
    { $case: "result" as const, value: runForward(world, request) },
  ]),
  forwardBackward: streaming(gate, "ForwardBackward", async (request: ForwardBackwardRequest) => [
    { $case: "result" as const, value: await runForwardBackward(world, request) },
  ]),
  optimizerStep: unary(gate, "OptimizerStep", (request: OptimizerStepRequest) => runOptimizerStep(world, request)),
});

const runForward = (world: World, request: ForwardRequest): ForwardResult => {
  const sent = decodeBatch(world, request.batch);
  if (request.outputs.length === 0) throw invalid("at least one output must be asked for");
  const outputs = request.outputs.map((output) => ({ ...output, output: decodeOutput(output.output) }));
  const run = findRun(world, request.runId);
  const pairs = outputs.map(({ model, output, temperature }) => {
    const found = findModel(run, model);
    checkHead(found, output);
    return { table: found.table, output, temperature: temperature || 1 };
  });
  const rows = takeBatch(run, request.batch as NonNullable<typeof request.batch>, sent);
  return {
    outputs: pairs.map(({ table, output, temperature }) => ({ values: forward(table, rows, output, temperature) })),
    tokenBudget: UNLIMITED,
  };
};

const runForwardBackward = (world: World, request: ForwardBackwardRequest): Promise<ForwardBackwardResult> => {
  const sent = decodeBatch(world, request.batch);
  if (request.losses.length === 0) throw invalid("at least one loss must be sent");
  const losses = request.losses.map((wire) => ({
    ref: wire.model,
    temperature: wire.temperature || 1,
    loss: decodeLoss(wire),
  }));
  const payload = ForwardBackwardRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    refuseAccumulated(run, request.mutation!.requestId);
    const models = losses.map(({ ref, loss }) => trainableModel(run, ref, loss));
    const rows = takeBatch(run, request.batch as NonNullable<typeof request.batch>, sent);
    const passes = losses.map((loss, i) => lossPass(models[i] as TabularModel, rows, loss));
    // Nothing is added before every loss has succeeded.
    for (const [i, pass] of passes.entries()) {
      accumulate(models[i] as TabularModel, pass, request.mutation?.requestId as string);
    }
    return { losses: passes.map(({ loss, outputs }) => ({ loss, outputs })), tokenBudget: UNLIMITED };
  });
};

/** Its answer was released, or it would have been found: computed again, the gradients would count twice. */
const refuseAccumulated = (run: RunState, requestId: string): void => {
  for (const [name, { gradientRequestIds }] of run.models) {
    if (gradientRequestIds.has(requestId))
      throw refused(
        `the gradients of request ${requestId} are accumulated on ${name} already: step on them, or restore`,
      );
  }
};

const trainableModel = (run: RunState, ref: Parameters<typeof findModel>[1], loss: Loss): TabularModel => {
  const model = findModel(run, ref);
  checkTrainable(model, String(ref?.model));
  checkHead(model, lossOutput(loss));
  return model;
};

const runOptimizerStep = (world: World, request: OptimizerStepRequest): Promise<OptimizerStepResponse> => {
  const { adamw, maxGradientNorm, forwardBackwardRequestIds } = request;
  if (adamw === undefined) throw invalid("adamw must be set");
  if (new Set(forwardBackwardRequestIds).size < forwardBackwardRequestIds.length)
    throw invalid("forward_backward_request_ids names a request twice");
  const payload = OptimizerStepRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    const model = findModel(run, request.model);
    checkTrainable(model, String(request.model?.model));
    const gradientNorm = stepModel(model, { requestIds: forwardBackwardRequestIds, adamw, maxGradientNorm });
    return { version: versionOf(model), gradientNorm };
  });
};
