import type { CallOptions } from "../ports/call-options.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { StoredFiles } from "../ports/stored-files.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { BatchRow } from "../ports/trainer.js";
import { SamplerServiceDefinition } from "../proto-gen/drpo/v1/sampler_service.js";
import { createCaller } from "./caller.js";
import { openChannel } from "./channel.js";
import { checkLength } from "./check-length.js";
import type { ConnectOptions } from "./connect-model-server.js";
import { shakeHands } from "./handshake.js";
import { getServerInfo, toServerInfo } from "./model-store.js";
import { describeMethod } from "./method.js";
import { createStoredFiles } from "./stored-files.js";
import { createTokenizer } from "./tokenizer.js";
import { shapeOf, toWireRows } from "./wire-batch.js";

const computeLogprobs = describeMethod(SamplerServiceDefinition, SamplerServiceDefinition.methods.computeLogprobs);

/** A connection that looks and touches nothing: for `drpo doctor` and `drpo serve`. */
export interface ServerProbe {
  readonly info: ServerInfo;
  /** Asks again, for the memory that is free now. */
  serverInfo(options?: CallOptions): Promise<ServerInfo>;
  readonly files: StoredFiles;
  /** @param base folder of the base, on the server */
  tokenizer(base: string): Tokenizer;
  /** What a base computes without an adapter: log-probabilities of the span tokens, rows one after the other. */
  computeLogprobs(base: string, rows: readonly BatchRow[], options?: CallOptions): Promise<readonly number[]>;
  close(): void;
}

/** Connects and compares schemas, without acquiring a run. @throws as connectModelServer. */
export const probeModelServer = async (options: ConnectOptions): Promise<ServerProbe> => {
  const channel = openChannel(options);
  const close = () => channel.client.close();
  try {
    const caller = createCaller(channel, options);
    const info = await shakeHands(caller, { signal: options.signal });
    const serverInfo = async (callOptions?: CallOptions) =>
      toServerInfo(await caller.unary(getServerInfo, {}, callOptions));
    const logprobsOf = async (base: string, rows: readonly BatchRow[], callOptions?: CallOptions) => {
      const weights = { $case: "base", value: base } as const;
      const request = { runId: "", weights, rows: toWireRows(rows), temperature: 1 };
      const { logprobs } = await caller.result(computeLogprobs, request, callOptions);
      return checkLength(logprobs, shapeOf(rows).spanTokens, "log-probabilities", computeLogprobs.rpc);
    };
    return {
      ...{ info, serverInfo, files: createStoredFiles(caller), close },
      tokenizer: (base) => createTokenizer(caller, base),
      computeLogprobs: logprobsOf,
    };
  } catch (error) {
    close();
    throw error;
  }
};
