import { randomUUID } from "node:crypto";
import type { ModelServer } from "../ports/model-server.js";
import type { ServerInfo } from "../ports/model-store.js";
import { ModelServiceDefinition } from "../proto-gen/drpo/v1/model_service.js";
import { type CallerOptions, createCaller } from "./caller.js";
import { type ChannelOptions, openChannel } from "./channel.js";
import { explainRestart } from "./explain-restart.js";
import { shakeHands } from "./handshake.js";
import { describeMethod } from "./method.js";
import { createModelStore } from "./model-store.js";
import { nameMutations } from "./request-id.js";
import { createRewardModel } from "./reward-model.js";
import { createSampler } from "./sampler.js";
import { createStoredFiles } from "./stored-files.js";
import { createTokenizer } from "./tokenizer.js";
import { createTrainer } from "./trainer.js";

const acquireRun = describeMethod(ModelServiceDefinition, ModelServiceDefinition.methods.acquireRun);

export interface ConnectOptions extends ChannelOptions, Omit<CallerOptions, "explain"> {
  readonly signal?: AbortSignal | undefined;
}

/** A connection that has acquired a run. */
export interface ModelServerConnection {
  readonly server: ModelServer;
  /** What the server was when the connection was made. */
  readonly info: ServerInfo;
  /** The fencing token, which is also the generation of this connection's request ids. */
  readonly fence: bigint;
  /** Lets go of the connection: no further calls. The run's models stay on the server. */
  close(): void;
}

/**
 * Connects to a model server and takes the run over: from here on another holder of it is fenced off.
 * @throws BadInputError without TLS beyond loopback; ServerUnavailableError if nobody answers; EnvironmentError if the
 * server was generated from another proto, or refuses the token; InterruptedError.
 */
export const connectModelServer = async (
  options: ConnectOptions & {
    /** Unique to a run directory. */
    readonly runId: string;
    /** Folder of the base on the server, whose tokenizer is meant. */
    readonly base: string;
    /** Hears of calls that ran out of memory and were computed with fewer tokens at once. */
    readonly onSplit?: ((tokenBudget: number) => void) | undefined;
  },
): Promise<ModelServerConnection> => {
  const { runId, base, signal, onSplit } = options;
  const channel = openChannel(options);
  const close = () => channel.client.close();
  try {
    const plain = createCaller(channel, options);
    const info = await shakeHands(plain, { signal });
    const { fence } = await plain.unary(acquireRun, { runId, requestId: randomUUID() }, { signal });
    const caller = createCaller(channel, { ...options, explain: explainRestart(plain, info.instanceId) });
    const mutations = nameMutations(runId, fence);
    const server: ModelServer = {
      models: createModelStore(caller, mutations),
      files: createStoredFiles(caller),
      tokenizer: createTokenizer(caller, base),
      sampler: createSampler(caller, runId, mutations),
      trainer: createTrainer(caller, runId, mutations, onSplit && { tokenBudget: info.tokenBudget, onSplit }),
      rewardModel: createRewardModel(caller, runId),
    };
    return { server, info, fence, close };
  } catch (error) {
    close();
    throw error;
  }
};
