import type { FinishReason as Reason } from "../domain/rollout.js";
import {
  type ComputeLogprobsRequest,
  type ComputeLogprobsResult,
  FinishReason,
  type SampledRollout,
  type SampleRolloutsRequest,
  SyncWeightsRequest,
  type SamplerServiceServer,
} from "../proto-gen/drpo/v1/sampler_service.js";
import type { ModelVersion } from "../proto-gen/drpo/v1/common.js";
import { checkHead } from "./check-model.js";
import { readCheckpoint } from "./checkpoints.js";
import { checkTokens, decodeRows } from "./decode-batch.js";
import { findModel } from "./find-model.js";
import { forward } from "./forward.js";
import { type Gate, streaming } from "./handlers.js";
import { mutate } from "./mutate.js";
import { sampleRollout } from "./sample-rollout.js";
import { invalid, notFound, refused } from "./service-error.js";
import { restoreModel, versionOf } from "./tabular-model.js";
import { findRun, type RunState, type World } from "./world.js";

const REASONS: Readonly<Record<Reason, FinishReason>> = { stop: FinishReason.STOP, length: FinishReason.LENGTH };

/** SamplerService on tables: its own, or those that another testbed published. */
export const samplerService = (world: World, gate: Gate): SamplerServiceServer => ({
  sampleRollouts: streaming(gate, "SampleRollouts", (request: SampleRolloutsRequest) =>
    runSampleRollouts(world, request).map((value) => ({ $case: "rollout" as const, value })),
  ),
  syncWeights: streaming(gate, "SyncWeights", async (request: SyncWeightsRequest) => {
    const payload = SyncWeightsRequest.encode(request).finish();
    const value = await mutate(world, { mutation: request.mutation, payload }, (run) => {
      if (request.source !== undefined) return { version: hold(world, run, request), heldAs: "published weights" };
      return { version: versionOf(findModel(run, request.model)), heldAs: "own weights" };
    });
    return [{ $case: "result" as const, value }];
  }),
  computeLogprobs: streaming(gate, "ComputeLogprobs", (request: ComputeLogprobsRequest) => [
    { $case: "result" as const, value: runComputeLogprobs(world, request) },
  ]),
});

/** Takes the weights of a checkpoint in, as the version that the request names. */
const hold = (world: World, run: RunState, { model: ref, source }: SyncWeightsRequest): ModelVersion => {
  if (source?.$case !== "checkpoint" || ref?.version === undefined)
    throw invalid("a version and a checkpoint must be set");
  if (world.options.weightsFrom === undefined) throw invalid("this testbed was not told where weights are");
  const saved = readCheckpoint(world.options.weightsFrom, source.value)[ref.model];
  if (saved === undefined) throw notFound(`checkpoint ${source.value.uri} holds no model ${ref.model}`);
  const model = restoreModel(saved, world.ruleOf, { generation: ref.version.generation, trainable: false });
  model.optimizerStep = ref.version.optimizerStep;
  if (versionOf(model).weightsHash !== ref.version.weightsHash)
    throw refused(`checkpoint ${source.value.uri} has other weights than the version that was asked for`);
  run.models.set(ref.model, model);
  return versionOf(model);
};

const runComputeLogprobs = (
  world: World,
  { runId, weights, rows: sent, temperature }: ComputeLogprobsRequest,
): ComputeLogprobsResult => {
  if (weights?.$case !== "model") throw invalid("a model must be named: tables have no base");
  const rows = decodeRows(world, sent, { spans: true });
  const model = findModel(findRun(world, runId), weights.value);
  checkHead(model, "logprobs");
  return { logprobs: forward(model.table, rows, "logprobs", temperature || 1), version: versionOf(model) };
};

/** Rollouts as a real engine finishes them: the shortest first, whatever the order of the request. */
const runSampleRollouts = (
  world: World,
  { runId, model: ref, contexts, params }: SampleRolloutsRequest,
): SampledRollout[] => {
  if (params === undefined || !(params.temperature > 0)) throw invalid("params.temperature must be above 0");
  if (!(params.topP > 0 && params.topP <= 1)) throw invalid("params.top_p must be above 0 and at most 1");
  for (const { tokenIds, maxNewTokens } of contexts) {
    if (maxNewTokens < 1) throw invalid("max_new_tokens must be at least 1");
    checkTokens(world, tokenIds, world.options.contextTokens - maxNewTokens);
  }
  const model = findModel(findRun(world, runId), ref);
  checkHead(model, "logprobs");
  const version = versionOf(model);
  return contexts
    .flatMap(({ tokenIds, maxNewTokens, firstPosition, seeds }, contextIndex) =>
      seeds.map((seed, continuationIndex) => {
        const context = { tokens: tokenIds, maxNewTokens, firstPosition };
        const { tokens, logprobs, finishReason } = sampleRollout(model.table, context, seed, params);
        return {
          contextIndex,
          continuationIndex,
          tokenIds: tokens,
          logprobs,
          finishReason: REASONS[finishReason],
          version,
        };
      }),
    )
    .sort((a, b) => a.tokenIds.length - b.tokenIds.length);
};
