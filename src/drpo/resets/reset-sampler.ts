import type { ResetSpec } from "../../config/reset.js";
import { isEnded, type ResetPoint, type ScoredRollout } from "../../domain/rollout.js";
import type { TokenIds } from "../../domain/token-ids.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { ResetCondition } from "./own-rollouts-fall-short.js";
import type { PrefixSelector, SelectorMemory } from "./prefix-selector.js";
import type { DrawContext, ResetCandidate, ResetSource } from "./reset-source.js";

/** Draws the states s_h that an iteration's rollouts start from. Asynchronous: a source may have to sample first. */
export interface ResetSampler {
  draw(context: DrawContext, memory: SelectorMemory, options?: CallOptions): Promise<readonly ResetPoint[]>;
  /** What an iteration's scores change about where the next prefixes are cut. */
  learn(memory: SelectorMemory, rollouts: readonly ScoredRollout[]): SelectorMemory;
}

/** A row that is being drawn: its candidate, and the random numbers that it has left. */
interface Row {
  readonly row: number;
  readonly random: Random;
  readonly candidate: ResetCandidate;
  readonly isReset: boolean;
}

/**
 * Algorithm 1, step 3a: draw a trajectory from D_TR and a step h, and reset to s_h. With probability 1 - proportion the
 * rollout starts at the trajectory's prompt instead, which is what PPO does for every row.
 *
 * Each row draws from its own seed, in a fixed order, so that runs which differ only in the proportion or the law see
 * the same trajectories.
 */
export function createResetSampler({
  spec,
  source,
  selector,
  condition = null,
  budget,
  contextTokens,
  endTokenIds,
  iterations,
  rolloutsPerIteration,
  seed,
}: {
  readonly spec: Pick<ResetSpec, "proportion" | "continuations" | "prefixCountsInBudget" | "endOfSequenceCounts">;
  readonly source: ResetSource;
  readonly selector: PrefixSelector;
  readonly condition?: ResetCondition | null;
  /** H, tokens. */
  readonly budget: number;
  /** Longest row that the base accepts, tokens. */
  readonly contextTokens: number;
  readonly endTokenIds: readonly number[];
  readonly iterations: number;
  readonly rolloutsPerIteration: number;
  readonly seed: number;
}): ResetSampler {
  const drawRows = async (context: DrawContext, options?: CallOptions): Promise<Row[]> => {
    const drawCandidate = await source.open(context, options);
    return Array.from({ length: rolloutsPerIteration / spec.continuations }, (_, row) => {
      const random = new Random(seedAt(seed, "reset", context.iteration, row));
      const candidate = drawCandidate(random);
      return { row, random, candidate, isReset: random.bernoulli(spec.proportion) };
    });
  };

  /** Responses of the rows that are to be reset; a row that the condition spares, or without a response, has none. */
  const responsesOf = async (rows: readonly Row[], context: DrawContext, options?: CallOptions) => {
    const prompts = rows.map(({ row, candidate }) => ({ row, prompt: candidate.prompt }));
    const wanted = condition && rows.length > 0 ? await condition(prompts, context, options) : rows.map(() => true);
    const reset = rows.filter((_, i) => wanted[i]);
    const open = reset.filter(({ candidate }) => candidate.response === null);
    const written =
      source.write && open.length > 0
        ? await source.write(
            open.map(({ row, candidate }) => ({ row, ...candidate })),
            context,
            options,
          )
        : [];
    const fresh = new Map(open.map(({ row }, i) => [row, written[i] ?? null]));
    return reset.flatMap((row) => {
      const response = row.candidate.response ?? fresh.get(row.row);
      return response ? [{ ...row, response }] : [];
    });
  };

  /** len: what of a response a prefix is cut from. */
  const lengthOf = (prompt: TokenIds, response: TokenIds): number => {
    const counted = response.length - (isEnded(response, endTokenIds) && !spec.endOfSequenceCounts ? 1 : 0);
    return Math.min(counted, roomOf(prompt));
  };
  /** Tokens of a response at most; a prefix beside the budget must leave room for it in the context. */
  const roomOf = (prompt: TokenIds): number =>
    spec.prefixCountsInBudget ? budget : contextTokens - prompt.length - budget + 1;

  return {
    async draw(context, memory, options) {
      const rows = await drawRows(context, options);
      const candidates = await responsesOf(
        rows.filter(({ isReset }) => isReset),
        context,
        options,
      );
      const requests = candidates
        .map(({ row, random, candidate: { prompt, id }, response }) => ({
          ...{ row, random, prompt, id, response, iteration: context.iteration, iterations },
          ...{ length: lengthOf(prompt, response), longest: roomOf(prompt) - 1 },
        }))
        .filter(({ length }) => length > 0);
      const cuts = await selector.cut(requests, memory, options);
      const cutOf = new Map(requests.map(({ row, response }, i) => [row, { response, cut: cuts[i] }]));
      return rows.map(({ row, candidate: { prompt, id, parent } }): ResetPoint => {
        const { response, cut } = cutOf.get(row) ?? {};
        if (!response || !cut) return { row, prompt, prefix: [], sourceId: null, maxNewTokens: budget };
        return {
          ...{ row, prompt, prefix: response.slice(0, cut.length), sourceId: id },
          ...(cut.fraction === undefined ? {} : { fraction: cut.fraction }),
          ...(parent ? { parent } : {}),
          maxNewTokens: spec.prefixCountsInBudget ? budget - cut.length : budget,
        };
      });
    },
    learn: (memory, rollouts) => selector.learn?.(memory, rollouts) ?? memory,
  };
}
