import type { ModelHandle } from "../domain/model.js";
import type { CallOptions } from "../ports/call-options.js";
import type { PublishedWeights, WeightPublisher } from "../ports/weight-publisher.js";

/** The weights that samplers may ask for: every version is published once, and withdrawn when nobody needs it any more. */
export interface Publications {
  /** The model where samplers find it. */
  publish(model: ModelHandle, options?: CallOptions): Promise<PublishedWeights>;
  /** The same, for as long as `work` goes on: the version stays, even if a newer one is published meanwhile. */
  using<T>(model: ModelHandle, options: CallOptions, work: (published: PublishedWeights) => Promise<T>): Promise<T>;
  /** Withdraws everything. */
  withdrawAll(): Promise<void>;
}

/** Weights that are where samplers find them. The same weights can be several versions: a restore opens a generation. */
interface Kept {
  readonly weightsHash: string;
  readonly published: Promise<PublishedWeights>;
  users: number;
}

export const createPublications = (publisher: WeightPublisher): Publications => {
  const newest = new Map<string, Kept>();
  const replaced = new Set<Kept>();

  const withdrawReplaced = async (options?: CallOptions) => {
    for (const kept of [...replaced].filter(({ users }) => users === 0)) {
      replaced.delete(kept);
      await publisher.withdraw(await kept.published, options);
    }
  };

  const keep = async (model: ModelHandle, options: CallOptions): Promise<Kept> => {
    const { weightsHash } = model.version;
    const before = newest.get(model.name);
    if (before?.weightsHash === weightsHash) return before;
    const kept = { weightsHash, published: publisher.publish(model, options), users: 0 };
    newest.set(model.name, kept);
    try {
      await kept.published;
    } catch (error) {
      if (newest.get(model.name) === kept) newest.delete(model.name);
      throw error;
    }
    if (before) replaced.add(before);
    await withdrawReplaced(options);
    return kept;
  };

  /** As this version: what was published may have been an earlier one with the same weights. */
  const asVersion = async (kept: Kept, model: ModelHandle) => ({ ...(await kept.published), model });

  return {
    async publish(model, options = {}) {
      return asVersion(await keep(model, options), model);
    },

    async using(model, options, work) {
      const kept = await keep(model, options);
      kept.users++;
      try {
        return await work(await asVersion(kept, model));
      } finally {
        kept.users--;
      }
    },

    async withdrawAll() {
      for (const kept of newest.values()) replaced.add(kept);
      newest.clear();
      for (const kept of replaced) kept.users = 0;
      await withdrawReplaced();
    },
  };
};
