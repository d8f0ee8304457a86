import type { ModelHandle } from "../../src/domain/model.js";
import type { CreateModel } from "../../src/ports/model-store.js";
import {
  connectModelServer,
  type ConnectOptions,
  type ModelServerConnection,
} from "../../src/rpc/connect-model-server.js";
import { startTestbed, type Testbed, type TestbedOptions } from "../../src/testbed/start-testbed.js";
import { impatientClock } from "./manual-clock.js";

/** Tokens 0 a, 1 b, 2 c, 3 end of sequence. */
export const VOCABULARY = ["a", "b", "c", "$"];
export const EOS = 3;
export const BASE = "testbed:tiny";
export const RUN = "run-1";

/** Logits that differ from context to context. */
export const unevenLogits = (context: readonly number[]): number[] =>
  VOCABULARY.map((_, token) => Math.sin(1 + token + context.reduce((sum, other, i) => sum + (other + 1) * (i + 2), 0)));

export interface TestbedConnection extends ModelServerConnection {
  readonly testbed: Testbed;
  /** Connects once more to the same testbed and run. */
  reconnect(options?: Partial<ConnectOptions>): Promise<ModelServerConnection>;
  end(): Promise<void>;
}

/** A testbed and a connection to it whose retries wait for nothing. */
export const connectToTestbed = async (
  testbedOptions: Partial<TestbedOptions> = {},
  connectOptions: Partial<ConnectOptions> = {},
): Promise<TestbedConnection> => {
  const testbed = await startTestbed({
    vocabulary: VOCABULARY,
    contextTokens: 12,
    logits: unevenLogits,
    scores: (row) => Math.cos(row.reduce((sum, token, i) => sum + (token + 1) * (i + 1), 0)),
    ...testbedOptions,
  });
  const connections: ModelServerConnection[] = [];
  const connect = async (options: Partial<ConnectOptions> = {}) => {
    const connection = await connectModelServer({
      address: testbed.address,
      runId: RUN,
      base: BASE,
      silenceTimeoutMs: 60_000,
      clock: impatientClock,
      ...connectOptions,
      ...options,
    });
    connections.push(connection);
    return connection;
  };
  const end = async () => {
    connections.forEach((connection) => connection.close());
    await testbed.close();
  };
  try {
    return { ...(await connect()), testbed, reconnect: connect, end };
  } catch (error) {
    await end();
    throw error;
  }
};

/** A trainable language model, if not told otherwise. */
export const tinyModel = (changes: Partial<CreateModel> & { readonly name: string }): CreateModel => ({
  base: BASE,
  shape: { kind: "full" },
  head: "language-model",
  trainable: true,
  seed: 1n,
  ...changes,
});

export const ADAMW = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** One row, one gradient: -logp of token 1 after token 0. */
export const accumulate = ({ server }: ModelServerConnection, model: ModelHandle) =>
  server.trainer.forwardBackward({ rows: [{ tokens: [0, 1], spanStart: 1, spanLength: 1 }] }, [
    { model, loss: { kind: "crossEntropy", weights: [1] } },
  ]);
