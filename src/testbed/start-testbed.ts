import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EnvironmentError } from "../errors.js";
import { ModelServiceService } from "../proto-gen/drpo/v1/model_service.js";
import { RewardModelServiceService } from "../proto-gen/drpo/v1/reward_model_service.js";
import { SamplerServiceService } from "../proto-gen/drpo/v1/sampler_service.js";
import { TokenizerServiceService } from "../proto-gen/drpo/v1/tokenizer_service.js";
import { TrainerServiceService } from "../proto-gen/drpo/v1/trainer_service.js";
import { SCHEMA_HASH } from "../proto-gen/schema-hash.js";
import { type CheckpointStore, createMemoryStore } from "./checkpoint-store.js";
import type { ExactPolicy } from "./enumerate-responses.js";
import { createFaults, type Faults } from "./faults.js";
import type { Gate } from "./handlers.js";
import { modelService } from "./model-service.js";
import { rewardModelService } from "./reward-model-service.js";
import { samplerService } from "./sampler-service.js";
import { notFound } from "./service-error.js";
import { logSoftmax } from "./softmax.js";
import type { TableGradients } from "./table.js";
import type { TabularModel } from "./tabular-model.js";
import { tokenizerService } from "./tokenizer-service.js";
import { trainerService } from "./trainer-service.js";
import { createWorld, findRun, restartWorld, type WorldOptions } from "./world.js";
import type { TokenIds } from "../domain/token-ids.js";

export interface TestbedOptions extends WorldOptions {
  /** What outlives this testbed; a fresh one in memory if left out. */
  readonly store?: CheckpointStore | undefined;
  /** Bearer token that calls must carry; left out: none. */
  readonly token?: string | undefined;
  /** For TLS; left out: not encrypted. */
  readonly credentials?: ServerCredentials | undefined;
  /** Announced instead of the true one, for tests of the handshake. */
  readonly schemaHash?: string | undefined;
}

export interface Testbed {
  /** host:port. */
  readonly address: string;
  readonly store: CheckpointStore;
  readonly faults: Faults;
  /** A model as it is now, for the exact oracles. @throws if the run has no such model. */
  policy(runId: string, model: string): ExactPolicy;
  /** A scalar model as it is now: the number of a context. */
  scalar(runId: string, model: string): (context: TokenIds) => number;
  /** Gradients accumulated on a model. */
  gradients(runId: string, model: string): TableGradients;
  /** Answers that wait to be released. */
  storedAnswers(runId: string): number;
  /** Loses what a process loses when it is killed, and goes on at the same address. */
  restart(): void;
  close(): Promise<void>;
}

/**
 * Starts a real gRPC server on 127.0.0.1, in this process, that implements all of drpo/v1 with exact tabular policies.
 * @throws EnvironmentError if it cannot listen.
 */
export const startTestbed = async (options: TestbedOptions): Promise<Testbed> => {
  const store = options.store ?? createMemoryStore();
  const world = createWorld(options, store);
  const faults = createFaults();
  const gate: Gate = { faults, token: options.token };
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ModelServiceService, modelService(world, gate, options.schemaHash ?? SCHEMA_HASH));
  server.addService(TokenizerServiceService, tokenizerService(world, gate));
  server.addService(SamplerServiceService, samplerService(world, gate));
  server.addService(TrainerServiceService, trainerService(world, gate));
  server.addService(RewardModelServiceService, rewardModelService(world, gate));
  const port = await listen(server, options.credentials ?? ServerCredentials.createInsecure());

  const model = (runId: string, name: string): TabularModel => {
    const found = findRun(world, runId).models.get(name);
    if (found === undefined) throw notFound(`no model ${name} in run ${runId}`);
    return found;
  };
  return {
    address: `127.0.0.1:${port}`,
    store,
    faults,
    policy: (runId, name) => (context) => logSoftmax(model(runId, name).table.read(context)),
    scalar: (runId, name) => (context) => model(runId, name).table.read(context)[0] as number,
    gradients: (runId, name) => model(runId, name).gradients,
    storedAnswers: (runId) => findRun(world, runId).answers.size,
    restart: () => restartWorld(world),
    // Not tryShutdown: it waits for streams whose client went away in the middle of a call.
    close: () => Promise.resolve(server.forceShutdown()),
  };
};

const listen = (server: Server, credentials: ServerCredentials): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (cause, port) => {
      if (cause) reject(new EnvironmentError(`The testbed cannot listen on 127.0.0.1: ${cause.message}`, { cause }));
      else resolve(port);
    });
  });
