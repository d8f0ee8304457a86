import type { RolloutOrder, RolloutRow } from "../api.js";
import { alignTokens } from "./align-tokens.js";
import { klOf, type RolloutLine } from "./rollout-line.js";

/** Characters of a response that a row of the table shows. */
const PREFIX_CHARACTERS = 120;
const GENERATED_CHARACTERS = 240;

export interface RolloutQuery {
  readonly order: RolloutOrder;
  readonly descending: boolean;
  /** Part of the response, in any case; empty: all. */
  readonly search: string;
  readonly offset: number;
  readonly limit: number;
}

/** A page of an iteration's rollouts, in the order and with the search that were asked for. */
export function rolloutPage(
  lines: readonly RolloutLine[],
  { order, descending, search, offset, limit }: RolloutQuery,
): { readonly matching: number; readonly rows: readonly RolloutRow[] } {
  const wanted = search.toLowerCase();
  const matching = lines.filter(({ text }) => text.toLowerCase().includes(wanted));
  const key = KEYS[order];
  const sign = descending ? -1 : 1;
  const keyed = matching.map((line) => ({ line, key: key(line) }));
  // What has no such figure comes last, whichever way it is sorted.
  keyed.sort(
    (a, b) => (a.key === null ? 1 : b.key === null ? -1 : sign * (a.key - b.key)) || inRowOrder(a.line, b.line),
  );
  return { matching: matching.length, rows: keyed.slice(offset, offset + limit).map(({ line }) => rowOf(line)) };
}

const inRowOrder = (a: RolloutLine, b: RolloutLine): number => a.row - b.row || a.continuation - b.continuation;

const KEYS: Readonly<Record<RolloutOrder, (line: RolloutLine) => number | null>> = {
  row: ({ row }) => row,
  score: ({ score }) => score,
  kl: klOf,
  tokens: ({ prefix, generated }) => prefix.length + generated.length,
  prefix: ({ prefix }) => prefix.length,
};

function rowOf(line: RolloutLine): RolloutRow {
  const { row, continuation, score, prefix, generated, finishReason, sourceId, parent } = line;
  const { prefixText, generatedText } = partsOf(line);
  return {
    ...{ row, continuation, score, kl: klOf(line), finishReason, sourceId, parent: parent ?? null },
    ...{ prefixTokens: prefix.length, generatedTokens: generated.length },
    prefixText: prefixText.length > PREFIX_CHARACTERS ? `\u2026${prefixText.slice(-PREFIX_CHARACTERS)}` : prefixText,
    generatedText:
      generatedText.length > GENERATED_CHARACTERS
        ? `${generatedText.slice(0, GENERATED_CHARACTERS)}\u2026`
        : generatedText,
  };
}

/** The text of the prefix and of what was generated after it; where the tokens' texts were not kept, all is the latter. */
function partsOf({ text, tokenTexts, prefix }: RolloutLine): {
  readonly prefixText: string;
  readonly generatedText: string;
} {
  const pieces = tokenTexts ? alignTokens(text, tokenTexts) : [];
  const prefixText = pieces.slice(0, prefix.length).join("");
  return { prefixText, generatedText: text.slice(prefixText.length) };
}
