import { randomUUID } from "node:crypto";
import type { Head } from "../domain/model.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { BatchRow } from "../ports/trainer.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import { everyContext, lastTokens } from "./table.js";
import type { Origin, RuleOf, TabularModel } from "./tabular-model.js";
import { createWordTokenizer, type WordTokenizer } from "./word-tokenizer.js";

/** What an answer was for, and the answer; a call under way is a pending one, which a repeat joins. */
export interface StoredAnswer {
  readonly payload: string;
  readonly answer: Promise<unknown>;
}

/** Everything of one run that a restart loses. */
export interface RunState {
  readonly runId: string;
  fence: bigint;
  readonly models: Map<string, TabularModel>;
  readonly keptBatches: Map<string, readonly BatchRow[]>;
  readonly answers: Map<string, StoredAnswer>;
}

/** A rule of first weights: the numbers of a context, for a model of this name on this base. */
export type WeightRule<Weights> = (context: TokenIds, of: { readonly base: string; readonly model: string }) => Weights;

export interface WorldOptions {
  /** The tokens' texts; the last is the end-of-sequence token. */
  readonly vocabulary: readonly string[];
  /** Other tokens that end responses of a base; left out: none. */
  readonly otherEndTokenIds?: ((base: string) => readonly number[]) | undefined;
  /** Why bases or adapters cannot be given the others' tokens, by their names; those left out can. */
  readonly differences?: Readonly<Record<string, string>> | undefined;
  /** Longest row, tokens. */
  readonly contextTokens: number;
  /** Text of a conversation, with what opens the assistant's turn where that is asked for; left out: bases have none. */
  readonly chatTemplate?:
    | ((
        messages: readonly { readonly role: string; readonly content: string }[],
        opensTurn: boolean,
        now: Date,
      ) => string)
    | undefined;
  /** The chat template writes the time. */
  readonly templateReadsClock?: boolean | undefined;
  /** What the tokenizer puts before a text, words of the vocabulary; left out: nothing. */
  readonly beginTokens?: string | undefined;
  /** First logits of a language model in a context, one a token; zeros if left out. */
  readonly logits?: WeightRule<readonly number[]> | undefined;
  /** First number of a scalar head in a context: the whole row for a score, a state for a value; zero if left out. */
  readonly scores?: WeightRule<number> | undefined;
  /** Contexts with the same last so many tokens share their weights; left out: every sequence has its own. */
  readonly memoryTokens?: number | undefined;
  /** Where published weights are found: the store of the testbed that trains. Left out: this one has the weights itself. */
  readonly weightsFrom?: CheckpointStore | undefined;
}

/** The state of a testbed: what a restart keeps (the store) and what it loses (the rest). */
export interface World {
  readonly options: WorldOptions;
  readonly store: CheckpointStore;
  readonly tokenizer: WordTokenizer;
  readonly ruleOf: RuleOf;
  instanceId: string;
  readonly runs: Map<string, RunState>;
  /** Answers of AcquireRun by request id. */
  readonly acquired: Map<string, bigint>;
}

export const createWorld = (options: WorldOptions, store: CheckpointStore): World => ({
  options,
  store,
  tokenizer: createWordTokenizer(options.vocabulary),
  ruleOf: ruleOf(options),
  instanceId: randomUUID(),
  runs: new Map(),
  acquired: new Map(),
});

/** The run of this id; one that nobody acquired has no models, and fence 0. Fences outlive a restart. */
export const findRun = (world: World, runId: string): RunState => {
  const found = world.runs.get(runId);
  if (found !== undefined) return found;
  const fence = BigInt(world.store.read(fenceCounter(runId)) ?? "0");
  const run = { runId, fence, models: new Map(), keptBatches: new Map(), answers: new Map() };
  world.runs.set(runId, run);
  return run;
};

/** Takes a run over; what earlier holders left (models, kept batches, answers) is freed. @returns the new fence */
export const takeRun = (world: World, runId: string): bigint => {
  const run = findRun(world, runId);
  run.fence = nextNumber(world.store, fenceCounter(runId));
  run.models.clear();
  run.keptBatches.clear();
  run.answers.clear();
  return run.fence;
};

const fenceCounter = (runId: string): string => `counters/fence/${runId}`;

/** The process ends and another one starts: models, answers and kept batches are gone, checkpoints and fences are not. */
export const restartWorld = (world: World): void => {
  world.instanceId = randomUUID();
  world.runs.clear();
  world.acquired.clear();
};

/** Counts up, also over restarts, so that a fence or a generation never means two things. */
export const nextNumber = (store: CheckpointStore, counter: string): bigint => {
  const next = BigInt(store.read(counter) ?? "0") + 1n;
  store.write(counter, String(next));
  return next;
};

const ruleOf =
  ({ vocabulary, logits, scores, memoryTokens }: WorldOptions): RuleOf =>
  (head: Head, origin: Origin) => {
    const initial = (state: TokenIds): readonly number[] => {
      if (head === "scalar") return [origin && scores ? scores(state, origin) : 0];
      return origin && logits ? logits(state, origin) : vocabulary.map(() => 0);
    };
    return memoryTokens === undefined ? everyContext(initial) : lastTokens(memoryTokens, initial);
  };
