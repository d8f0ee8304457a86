import type { Random } from "../../math/random.js";
import type { WorldOptions } from "../world.js";

/** How long responses are. */
export interface ResponseLengths {
  /** Median over prompts of a prompt's mean length, tokens. */
  readonly medianTokens: number;
  /** Standard deviation of the logarithm of that mean over prompts. */
  readonly spread: number;
}

/** Kinds of prompts, which differ in how long their responses are. */
const KINDS = 8;
/** A response goes through so many phases, each of geometric length: their sum varies less than a geometric one does. */
const PHASES = 4;
/** Tokens of a phase, so that rows of one length are not one row. */
const WORDS = 4;
/** exp(-30) is next to nothing, and its logarithm is still a number. */
const IMPOSSIBLE = -30;

const EOS = KINDS * PHASES * WORDS;
const tokenOf = (kind: number, phase: number, word: number): number => (kind * PHASES + phase) * WORDS + word;

/**
 * A policy whose lengths are like those of real prompts: the logarithms of prompts' mean lengths are normal, and a
 * prompt's lengths vary by half of their mean. It is a Markov chain, so that its exact table has a row for each token:
 * the last token says what kind the prompt is of and in which phase the response is.
 */
export const lengthPolicy = ({ medianTokens, spread }: ResponseLengths) => {
  const meanOf = (kind: number): number => medianTokens * Math.exp(spread * normalQuantile((kind + 0.5) / KINDS));
  const logits = (context: readonly number[]): number[] => {
    const last = context.at(-1) ?? 0;
    const [kind, phase] = [Math.floor(last / (PHASES * WORDS)), Math.floor(last / WORDS) % PHASES];
    const advance = Math.min(0.9, PHASES / meanOf(kind));
    const row = new Array<number>(EOS + 1).fill(IMPOSSIBLE);
    for (let word = 0; word < WORDS; word++) {
      // Words are not equally likely, so that log-probs tell them apart.
      const preference = (word + 1) / 10;
      row[tokenOf(kind, phase, word)] = Math.log((1 - advance) * preference);
      if (phase + 1 < PHASES) row[tokenOf(kind, phase + 1, word)] = Math.log(advance * preference);
      else row[EOS] = Math.log(advance);
    }
    return row;
  };
  const world: Pick<WorldOptions, "vocabulary" | "logits" | "memoryTokens"> = {
    vocabulary: Array.from({ length: EOS + 1 }, (_, token) => (token === EOS ? "$" : `w${token}`)),
    logits,
    memoryTokens: 1,
  };
  return { world, eosTokenId: EOS, kinds: KINDS, drawPrompt };
};

/** A prompt of a kind: its last token says so, and the others are any. */
const drawPrompt = (kind: number, tokens: number, random: Random): number[] =>
  Array.from({ length: tokens }, (_, i) => (i === tokens - 1 ? tokenOf(kind, 0, 0) : random.integer(0, EOS - 1)));

/** Of the standard normal distribution, by Tukey's lambda: within 0.01 of it where kinds are. */
const normalQuantile = (p: number): number => 5.05 * (p ** 0.135 - (1 - p) ** 0.135);
