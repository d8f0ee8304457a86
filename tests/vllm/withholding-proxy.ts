import { once } from "node:events";
import {
  Client,
  credentials,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type ServiceError,
} from "@grpc/grpc-js";
import type { ModelVersion } from "../../src/proto-gen/drpo/v1/common.js";
import { ModelServiceService } from "../../src/proto-gen/drpo/v1/model_service.js";
import {
  type ComputeLogprobsRequest,
  type ComputeLogprobsResponse,
  type SampleRolloutsRequest,
  type SampleRolloutsResponse,
  SamplerServiceService,
  type SyncWeightsRequest,
  type SyncWeightsResponse,
} from "../../src/proto-gen/drpo/v1/sampler_service.js";

/** A sampler that says it took new weights, and did not. */
export interface WithholdingProxy {
  readonly address: string;
  /** Versions that it lied about. */
  readonly withheld: readonly ModelVersion[];
  close(): void;
}

/**
 * Stands before a sampler and passes everything on but the syncs of versions that `withholds`: these it answers itself, and
 * from then on gives out what the sampler holds as if it were that version.
 */
export async function startWithholdingProxy(
  target: string,
  withholds: (version: ModelVersion) => boolean,
): Promise<WithholdingProxy> {
  const client = new Client(target, credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
  const held = new Map<string, ModelVersion>();
  const withheld: ModelVersion[] = [];

  /** The version that the sampler really has. */
  const truth = <Request extends SampleRolloutsRequest | { readonly model: SyncWeightsRequest["model"] }>(
    request: Request,
  ): Request => ({ ...request, model: { ...request.model, version: held.get(request.model!.model) } });

  const server = new Server({ "grpc.max_receive_message_length": -1 });
  server.addService(ModelServiceService, passOn(client, ModelServiceService));
  const { sampleRollouts, syncWeights, computeLogprobs } = SamplerServiceService;
  server.addService(SamplerServiceService, {
    syncWeights(call: ServerWritableStream<SyncWeightsRequest, SyncWeightsResponse>) {
      const { model, version } = call.request.model!;
      if (version && held.has(model) && withholds(version)) {
        withheld.push(version);
        call.write({ update: { $case: "result", value: { version, heldAs: "adapter" } } });
        call.end();
        return;
      }
      held.set(model, version!);
      stream(client, syncWeights, call, call.request);
    },
    sampleRollouts(call: ServerWritableStream<SampleRolloutsRequest, SampleRolloutsResponse>) {
      const asked = call.request.model?.version;
      stream(client, sampleRollouts, call, truth(call.request), ({ update }) => ({
        update: update?.$case === "rollout" ? { ...update, value: { ...update.value, version: asked } } : update,
      }));
    },
    computeLogprobs(call: ServerWritableStream<ComputeLogprobsRequest, ComputeLogprobsResponse>) {
      const { weights } = call.request;
      if (weights?.$case !== "model") throw new Error("only models are probed");
      const { model } = truth({ model: weights.value });
      const request: ComputeLogprobsRequest = { ...call.request, weights: { $case: "model", value: model } };
      stream(client, computeLogprobs, call, request, ({ update }) => ({
        update:
          update?.$case === "result"
            ? { ...update, value: { ...update.value, version: weights.value.version } }
            : update,
      }));
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    withheld,
    close() {
      server.forceShutdown();
      client.close();
    },
  };
}

/** Handlers of a service that change nothing. */
const passOn = (client: Client, service: ServiceDefinition) =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      method.responseStream
        ? (call: ServerWritableStream<unknown, unknown>) => stream(client, method, call, call.request)
        : (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) =>
            void client.makeUnaryRequest(
              ...([
                method.path,
                method.requestSerialize,
                method.responseDeserialize,
                call.request,
                call.metadata,
              ] as const),
              answer as (error: ServiceError | null, value?: unknown) => void,
            ),
    ]),
  );

function stream<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  call: ServerWritableStream<Request, Response>,
  request: Request,
  change: (response: Response) => Response = (response) => response,
): void {
  const answers = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, call.metadata);
  answers.on("data", (response: Response) => call.write(change(response)));
  answers.on("end", () => call.end());
  answers.on("error", (error) => call.destroy(error));
  void once(call, "cancelled").then(() => answers.cancel());
}
