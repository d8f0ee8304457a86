import type { ModelHandle } from "../domain/model.js";
import { EnvironmentError } from "../errors.js";
import type { Continuation, SampleContext, Sampler } from "../ports/sampler.js";
import {
  FinishReason,
  type SampledRollout,
  SamplerServiceDefinition as service,
} from "../proto-gen/drpo/v1/sampler_service.js";
import type { Caller } from "./caller.js";
import { checkLength } from "./check-length.js";
import { describeMethod } from "./method.js";
import type { Mutations } from "./request-id.js";
import { fromWireVersion, toModelRef } from "./wire-model.js";

const sampleRollouts = describeMethod(service, service.methods.sampleRollouts);
const syncWeights = describeMethod(service, service.methods.syncWeights);

/** The Sampler port over SamplerService. @param runId the run that owns the models. */
export const createSampler = (caller: Caller, runId: string, mutations: Mutations): Sampler => ({
  async sample({ model, contexts, params }, options) {
    const rollouts = await caller.stream(
      sampleRollouts,
      { runId, model: toModelRef(model), contexts: contexts.map(toWireContext), params },
      options,
    );
    return arrange(rollouts, contexts, model);
  },

  async syncWeights(model, options) {
    const request = { model: toModelRef(model), source: undefined };
    await mutations.run((mutation) => caller.result(syncWeights, { mutation, ...request }, options));
  },
});

const toWireContext = ({ tokens, maxNewTokens, firstPosition, seeds }: SampleContext) => ({
  tokenIds: tokens,
  maxNewTokens,
  firstPosition,
  seeds,
});

/** Rollouts in the order of their arrival -> continuations[context][seed]. @throws EnvironmentError unless each came once. */
const arrange = (
  rollouts: readonly SampledRollout[],
  contexts: readonly SampleContext[],
  model: ModelHandle,
): readonly (readonly Continuation[])[] => {
  const places = contexts.map(({ seeds }) => new Array<Continuation | undefined>(seeds.length).fill(undefined));
  for (const rollout of rollouts) {
    const context = places[rollout.contextIndex];
    if (context === undefined || rollout.continuationIndex >= context.length)
      throw misplaced(rollout, "that was not asked for");
    if (context[rollout.continuationIndex] !== undefined) throw misplaced(rollout, "twice");
    context[rollout.continuationIndex] = toContinuation(rollout, model);
  }
  return places.map((context, contextIndex) =>
    context.map((continuation, continuationIndex) => {
      if (continuation === undefined) throw misplaced({ contextIndex, continuationIndex }, "not at all");
      return continuation;
    }),
  );
};

const misplaced = (place: { readonly contextIndex: number; readonly continuationIndex: number }, how: string) =>
  new EnvironmentError(
    `${sampleRollouts.rpc}: the server sent continuation ${place.continuationIndex} of context ${place.contextIndex} ${how}. ` +
      `Its log may say more.`,
  );

const FINISH_REASONS = { [FinishReason.STOP]: "stop", [FinishReason.LENGTH]: "length" } as const;

const toContinuation = (rollout: SampledRollout, model: ModelHandle): Continuation => {
  const { rpc } = sampleRollouts;
  const version = fromWireVersion(rollout.version, rpc);
  if (version.weightsHash !== model.version.weightsHash || version.generation !== model.version.generation) {
    throw new EnvironmentError(`${rpc}: a rollout was written by another version of ${model.name} than was asked for.`);
  }
  if (rollout.finishReason === FinishReason.UNSPECIFIED || rollout.tokenIds.length === 0) {
    throw new EnvironmentError(`${rpc}: the server sent a rollout without tokens or without the reason why it ended.`);
  }
  return {
    tokens: rollout.tokenIds,
    logprobs: checkLength(rollout.logprobs, rollout.tokenIds.length, "log-probabilities", rpc),
    finishReason: FINISH_REASONS[rollout.finishReason],
    version,
  };
};
