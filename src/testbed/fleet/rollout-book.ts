import type { SamplingParams } from "../../ports/sampler.js";
import type { Table } from "../table.js";
import { createStateSampler, type SeededContext } from "./state-sampler.js";

export type WrittenRollout = ReturnType<ReturnType<typeof createStateSampler>>;

/** Versions of which rollouts are kept: the newest, and one that may still be sampled from. */
const KEPT_VERSIONS = 2;

/**
 * The rollouts that the endpoints of a fleet write, each computed once. A rollout is a function of weights, context and
 * seed, and what it costs an engine is simulated: computing it before it is asked for changes no result.
 */
export class RolloutBook {
  private readonly versions = new Map<string, (context: SeededContext) => WrittenRollout>();

  /** @param weightsHash of the table */
  read(weightsHash: string, table: Table, params: SamplingParams): (context: SeededContext) => WrittenRollout {
    const key = JSON.stringify([weightsHash, params]);
    const known = this.versions.get(key);
    if (known !== undefined) return known;
    const read = keepWritten(createStateSampler(table, params));
    this.versions.set(key, read);
    for (const old of [...this.versions.keys()].slice(0, -KEPT_VERSIONS)) this.versions.delete(old);
    return read;
  }
}

const keepWritten = (write: (context: SeededContext) => WrittenRollout) => {
  const written = new Map<string, WrittenRollout>();
  return (context: SeededContext): WrittenRollout => {
    const { tokens, maxNewTokens, firstPosition, seed } = context;
    const key = `${seed} ${firstPosition} ${maxNewTokens} ${tokens.at(-1)}`;
    const known = written.get(key);
    if (known !== undefined) return known;
    const rollout = write(context);
    written.set(key, rollout);
    return rollout;
  };
};
