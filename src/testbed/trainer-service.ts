import { status } from "@grpc/grpc-js";
import type { BatchRow, Loss, Output } from "../ports/trainer.js";
import {
  ForwardBackwardRequest,
  type ForwardBackwardResult,
  type ForwardRequest,
  type ForwardResult,
  OptimizerStepRequest,
  type OptimizerStepResponse,
  type TrainerServiceServer,
} from "../proto-gen/drpo/v1/trainer_service.js";
import { addGradients, backward } from "./backward.js";
import { decodeBatch, takeBatch } from "./decode-batch.js";
import { checkLoss, decodeLoss, decodeOutput } from "./decode-loss.js";
import { findModel } from "./find-model.js";
import { forward } from "./forward.js";
import { type Gate, streaming, unary } from "./handlers.js";
import { evaluateLoss, lossOutput } from "./losses.js";
import { mutate } from "./mutate.js";
import { invalid, refused, ServiceError } from "./service-error.js";
import type { TableGradients } from "./table.js";
import { type TabularModel, versionOf } from "./tabular-model.js";
import { findRun, type RunState, type World } from "./world.js";

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
    const models = losses.map(({ ref, loss }) => trainableModel(run, ref, loss));
    const rows = takeBatch(run, request.batch as NonNullable<typeof request.batch>, sent);
    const passes = losses.map(({ loss, temperature }, i) =>
      lossPass(models[i] as TabularModel, rows, loss, temperature),
    );
    // Nothing is added before every loss has succeeded.
    for (const [i, { gradients }] of passes.entries()) {
      const model = models[i] as TabularModel;
      for (const one of gradients.values()) addGradients(model.gradients, one.context, one.gradients);
      model.gradientRequestIds.add(request.mutation?.requestId as string);
    }
    return { losses: passes.map(({ loss, outputs }) => ({ loss, outputs })) };
  });
};

const lossPass = (
  { table }: TabularModel,
  rows: readonly BatchRow[],
  loss: Loss,
  temperature: number,
): { readonly loss: number; readonly outputs: readonly number[]; readonly gradients: TableGradients } => {
  const output = lossOutput(loss);
  const outputs = forward(table, rows, output, temperature);
  checkLoss(loss, { terms: outputs.length, rows: rows.length });
  const evaluated = evaluateLoss(loss, outputs);
  return {
    loss: evaluated.loss,
    outputs,
    gradients: backward(table, rows, { output, temperature }, evaluated.gradients),
  };
};

const trainableModel = (run: RunState, ref: Parameters<typeof findModel>[1], loss: Loss): TabularModel => {
  const model = findModel(run, ref);
  if (!model.trainable) throw invalid(`${ref?.model} is frozen`);
  checkHead(model, lossOutput(loss));
  return model;
};

const checkHead = ({ head }: TabularModel, output: Output): void => {
  const scalar = output === "values" || output === "scores";
  if (scalar !== (head === "scalar")) throw invalid(`a ${head} head has no ${output}`);
};

const runOptimizerStep = (world: World, request: OptimizerStepRequest): Promise<OptimizerStepResponse> => {
  const { adamw, maxGradientNorm, forwardBackwardRequestIds } = request;
  if (adamw === undefined) throw invalid("adamw must be set");
  const payload = OptimizerStepRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    const model = findModel(run, request.model);
    if (!model.trainable) throw invalid(`${request.model?.model} is frozen`);
    checkRequests(model.gradientRequestIds, forwardBackwardRequestIds);
    const norm = gradientNorm(model.gradients);
    if (!Number.isFinite(norm)) throw new ServiceError(status.ABORTED, `the gradient norm is ${norm}`);
    const scale = maxGradientNorm > 0 ? Math.min(1, maxGradientNorm / norm) : 1;
    model.table.stepAdamW(scaled(model.gradients, scale), adamw, ++model.adamSteps);
    model.optimizerStep += 1n;
    model.gradients = new Map();
    model.gradientRequestIds = new Set();
    return { version: versionOf(model), gradientNorm: norm };
  });
};

const checkRequests = (accumulated: ReadonlySet<string>, expected: readonly string[]): void => {
  const wanted = new Set(expected);
  const fits = wanted.size > 0 && wanted.size === accumulated.size && [...wanted].every((id) => accumulated.has(id));
  if (fits) return;
  throw refused(
    `gradients are of requests [${[...accumulated].join(", ")}], the step expects [${expected.join(", ")}]`,
  );
};

const gradientNorm = (gradients: TableGradients): number =>
  Math.sqrt([...gradients.values()].flatMap(({ gradients: row }) => row).reduce((sum, slope) => sum + slope ** 2, 0));

const scaled = (gradients: TableGradients, scale: number): TableGradients =>
  new Map(
    [...gradients].map(([key, row]) => [key, { ...row, gradients: row.gradients.map((slope) => slope * scale) }]),
  );
