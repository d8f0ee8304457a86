import { randomUUID } from "node:crypto";
import { EnvironmentError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { ConnectedSampler, SamplerEndpoint } from "../ports/sampler-endpoint.js";
import { ModelServiceDefinition as models } from "../proto-gen/drpo/v1/model_service.js";
import { SamplerServiceDefinition as service } from "../proto-gen/drpo/v1/sampler_service.js";
import { type Caller, type CallerOptions, createCaller } from "./caller.js";
import { type ChannelOptions, openChannel } from "./channel.js";
import { checkLength } from "./check-length.js";
import { explainRestart } from "./explain-restart.js";
import { shakeHands } from "./handshake.js";
import { describeMethod } from "./method.js";
import { nameMutations } from "./request-id.js";
import type { RetryPolicy } from "./retry.js";
import { createSampler } from "./sampler.js";
import { shapeOf, toWireRows } from "./wire-batch.js";
import { toModelRef } from "./wire-model.js";

const acquireRun = describeMethod(models, models.methods.acquireRun);
const releaseAnswers = describeMethod(models, models.methods.releaseAnswers);
const syncWeights = describeMethod(service, service.methods.syncWeights);
const computeLogprobs = describeMethod(service, service.methods.computeLogprobs);

/** A connection that broke is tried once more; after that others do the work. */
const RETRY: RetryPolicy = { maxAttempts: 2, baseDelayMs: 250, maxDelayMs: 250 };
/** A sampler that says nothing for so long when it is asked what it is, ms, is not there. */
const GREETING_MS = 10_000;

/** A sampler at an address. */
export const samplerEndpoint = ({
  name,
  locate,
  runId,
  accept,
  ...options
}: CallerOptions & {
  /** For messages. */
  readonly name: string;
  /** Where it is now: a process that was started again has another port. */
  readonly locate: () => Promise<ChannelOptions>;
  readonly runId: string;
  /** Throws if this server must not be used; nothing has been changed there. */
  readonly accept?: ((info: ServerInfo) => void) | undefined;
}): SamplerEndpoint => {
  const callerOptions = { retry: RETRY, ...options };
  const greeting = { ...callerOptions, silenceTimeoutMs: Math.min(GREETING_MS, options.silenceTimeoutMs) };
  return {
    name,
    async connect({ signal } = {}) {
      const channel = openChannel(await locate());
      try {
        const plain = createCaller(channel, greeting);
        const info = await shakeHands(plain, { signal });
        refuseOthers(plain.address, info);
        accept?.(info);
        const { fence } = await plain.unary(acquireRun, { runId, requestId: randomUUID() }, { signal });
        const explain = explainRestart(plain, info.instanceId);
        const caller = createCaller(channel, { ...callerOptions, explain });
        return { info, ...callsOf(caller, runId, fence), close: () => channel.client.close() };
      } catch (error) {
        channel.client.close();
        throw error;
      }
    },
  };
};

const refuseOthers = (address: string, { capabilities }: ServerInfo): void => {
  if (capabilities.includes("sampler")) return;
  throw new EnvironmentError(
    `The server at ${address} samples nothing (it has: ${capabilities.join(", ") || "nothing"}): correct server.samplers.`,
  );
};

const callsOf = (
  caller: Caller,
  runId: string,
  fence: bigint,
): Pick<ConnectedSampler, "syncWeights" | "computeLogprobs" | "sample"> => {
  const mutations = nameMutations(runId, fence);
  const sampler = createSampler(caller, runId, mutations);
  /** Nothing is asked for again once the next version comes. */
  const release = async (options: CallOptions | undefined) => {
    const requestIds = mutations.settled();
    if (requestIds.length === 0) return;
    await mutations.run((mutation) =>
      caller.unary(releaseAnswers, { mutation, requestIds, keptBatchIds: [] }, options),
    );
    mutations.forget(requestIds);
  };
  return {
    async syncWeights(model, from, options) {
      await release(options);
      const source = { $case: "checkpoint", value: from } as const;
      await mutations.run((mutation) =>
        caller.result(syncWeights, { mutation, model: toModelRef(model), source }, options),
      );
    },

    async computeLogprobs(model, rows, options) {
      const weights = { $case: "model", value: toModelRef(model) } as const;
      const request = { runId, weights, rows: toWireRows(rows), temperature: 1 };
      const { logprobs } = await caller.result(computeLogprobs, request, options);
      return checkLength(logprobs, shapeOf(rows).spanTokens, "log-probabilities", computeLogprobs.rpc);
    },

    sample: (request, options) => sampler.sample(request, options),
  };
};
