import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EnvironmentError } from "../../errors.js";
import { ModelServiceService } from "../../proto-gen/drpo/v1/model_service.js";
import { SamplerServiceService } from "../../proto-gen/drpo/v1/sampler_service.js";
import { SCHEMA_HASH } from "../../proto-gen/schema-hash.js";
import { createMemoryStore } from "../checkpoint-store.js";
import { createFaults } from "../faults.js";
import { unary } from "../handlers.js";
import { modelService, serverInfo } from "../model-service.js";
import { samplerService } from "../sampler-service.js";
import { createWorld, restartWorld, type World, type WorldOptions } from "../world.js";
import { type FleetConditions, SamplingDesk } from "./sampling-desk.js";
import type { SampleStream } from "./served-call.js";

export interface SimulatedSamplerOptions {
  /** With weightsFrom, the trainer's checkpoints. */
  readonly world: WorldOptions;
  readonly conditions: FleetConditions;
  /** SampleRollouts calls that it says it takes at once. */
  readonly samplingSlots: number;
  /** From a death to the restart, simulated ms. */
  readonly downMs: number;
}

export interface SimulatedSampler {
  /** host:port; the same after a death. */
  readonly address: string;
  close(): void;
}

/**
 * A real gRPC server on 127.0.0.1 that answers as a sampler does, in the time that an engine would take. What it samples are
 * exact tables; what is simulated is time.
 */
export const startSimulatedSampler = async (options: SimulatedSamplerOptions): Promise<SimulatedSampler> => {
  const { conditions, downMs } = options;
  const world = createWorld(options.world, createMemoryStore());
  let server: Server | undefined;
  let isClosed = false;
  const desk = new SamplingDesk(world, conditions, () => die());
  const stop = () => {
    server?.forceShutdown();
    server = undefined;
    desk.abandon();
  };
  const start = async (port: number): Promise<number> => {
    server = createServer(world, desk, options);
    return listen(server, port);
  };
  const die = () => {
    if (server === undefined) return;
    stop();
    restartWorld(world);
    conditions.time.at(conditions.time.now() + downMs, () => {
      if (!isClosed) void start(port);
    });
  };
  const port = await start(0);
  return {
    address: `127.0.0.1:${port}`,
    close() {
      isClosed = true;
      stop();
    },
  };
};

const createServer = (world: World, desk: SamplingDesk, { samplingSlots }: SimulatedSamplerOptions) => {
  const gate = { faults: createFaults(), token: undefined };
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ModelServiceService, {
    ...modelService(world, gate, SCHEMA_HASH),
    getServerInfo: unary(gate, "GetServerInfo", () => ({
      ...serverInfo(world, SCHEMA_HASH),
      engine: "simulated",
      capabilities: ["sampler"],
      samplingSlots,
    })),
  });
  server.addService(SamplerServiceService, {
    ...samplerService(world, gate),
    sampleRollouts: (stream: SampleStream) => desk.serve(stream),
  });
  return server;
};

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (cause, bound) => {
      if (cause) reject(new EnvironmentError(`The fleet cannot listen on port ${port}: ${cause.message}`, { cause }));
      else resolve(bound);
    });
  });
