import { setImmediate } from "node:timers/promises";
import type { Sampler } from "../ports/sampler.js";
import { checkHead } from "./check-model.js";
import { checkSignal } from "./check-signal.js";
import { sampleRollout } from "./sample-rollout.js";
import type { TabularRegistry } from "./tabular-registry.js";

/** The Sampler port on tables of this process. It samples from the trainer's own weights, so it has nothing to sync. */
export const tabularSampler = (models: TabularRegistry): Sampler => ({
  async sample({ model: handle, contexts, params }, options) {
    // Tables never wait for anything; without this an interrupt would never be heard.
    await setImmediate();
    checkSignal(options);
    const model = models.find(handle);
    checkHead(model, "logprobs");
    return contexts.map((context) =>
      context.seeds.map((seed) => ({
        ...sampleRollout(model.table, context, seed, params),
        version: handle.version,
      })),
    );
  },

  async syncWeights(handle) {
    models.find(handle);
  },
});
