import type { TokenIds } from "../domain/token-ids.js";
import type { SampleContext } from "../ports/sampler.js";

/** Rollouts that one sampler writes together. */
export interface SubBatch {
  readonly contexts: readonly SampleContext[];
  /** Where each context comes from: its index in the request, and the first of its seeds that is here. */
  readonly places: readonly { readonly contextIndex: number; readonly firstSeed: number }[];
  readonly rows: number;
  /** Most tokens that a row may still need: how long the sub-batch takes, as far as one can tell. */
  readonly longest: number;
}

/** Contexts are neighbours if they share at least this much of the shorter one. */
const SHARED = 0.5;
/** Above it, cohorts that are too large are not looked at more closely. */
const NEARLY_ALL = 0.9;

/**
 * Cuts a request into sub-batches of at most `size` rollouts: a function of its contexts and nothing else, so that sums,
 * whose last bits depend on the shape of a batch, are the same whoever samples. What shares a prefix stays together, so
 * that it is computed once; rows that may become equally long come together, so that none waits for the others.
 * @returns longest first
 */
export function planSubBatches(contexts: readonly SampleContext[], size: number): readonly SubBatch[] {
  const order = contexts.map((_, i) => i).sort((a, b) => compare(contexts[a]!.tokens, contexts[b]!.tokens) || a - b);
  const longestOf = (cohort: readonly number[]) =>
    cohort.reduce((most, i) => Math.max(most, contexts[i]!.maxNewTokens), 0);
  const cohorts = cohortsOf(contexts, order, size)
    .map((cohort) => ({ cohort, longest: longestOf(cohort), first: cohort.reduce((least, i) => Math.min(least, i)) }))
    .sort((a, b) => b.longest - a.longest || a.first - b.first);
  const pieces = cohorts.flatMap(({ cohort }) => cohort.flatMap((i) => cutSeeds(contexts[i]!, i, size)));
  return fill(pieces, size).sort((a, b) => b.longest - a.longest || b.rows - a.rows);
}

/** Neighbours of the order that share most of their tokens; what is too many for one sub-batch must share more. */
function cohortsOf(
  contexts: readonly SampleContext[],
  order: readonly number[],
  size: number,
  share = SHARED,
): readonly (readonly number[])[] {
  const cohorts: number[][] = [];
  order.forEach((index, i) => {
    const before = i > 0 ? contexts[order[i - 1]!]!.tokens : undefined;
    const { tokens } = contexts[index]!;
    const belongs = before && sharedTokens(before, tokens) >= share * Math.min(before.length, tokens.length);
    if (belongs) cohorts.at(-1)!.push(index);
    else cohorts.push([index]);
  });
  if (share > NEARLY_ALL) return cohorts;
  const rowsOf = (cohort: readonly number[]) => cohort.reduce((sum, i) => sum + contexts[i]!.seeds.length, 0);
  return cohorts.flatMap((cohort) =>
    rowsOf(cohort) > size && cohort.length > 1 ? cohortsOf(contexts, cohort, size, (1 + share) / 2) : [cohort],
  );
}

interface Piece {
  readonly context: SampleContext;
  readonly contextIndex: number;
  readonly firstSeed: number;
}

/** A context, in parts only if it has more seeds than a sub-batch has rows. */
function cutSeeds(context: SampleContext, contextIndex: number, size: number): readonly Piece[] {
  if (context.seeds.length <= size) return [{ context, contextIndex, firstSeed: 0 }];
  return Array.from({ length: Math.ceil(context.seeds.length / size) }, (_, i) => ({
    context: { ...context, seeds: context.seeds.slice(i * size, (i + 1) * size) },
    contextIndex,
    firstSeed: i * size,
  }));
}

function fill(pieces: readonly Piece[], size: number): SubBatch[] {
  const filled: Piece[][] = [];
  let left = 0;
  for (const piece of pieces) {
    const rows = piece.context.seeds.length;
    if (rows > left) {
      filled.push([]);
      left = size;
    }
    filled.at(-1)!.push(piece);
    left -= rows;
  }
  return filled.map((inside) => ({
    contexts: inside.map(({ context }) => context),
    places: inside.map(({ contextIndex, firstSeed }) => ({ contextIndex, firstSeed })),
    rows: inside.reduce((sum, { context }) => sum + context.seeds.length, 0),
    longest: inside.reduce((most, { context }) => Math.max(most, context.maxNewTokens), 0),
  }));
}

/** Tokens at the start that are the same. */
function sharedTokens(a: TokenIds, b: TokenIds): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}

/** By the first token that differs; what another begins with comes before it. */
function compare(a: TokenIds, b: TokenIds): number {
  const at = sharedTokens(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}
