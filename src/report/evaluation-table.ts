import pc from "picocolors";
import type { Evaluation, Metric } from "../domain/evaluation.js";
import type { ExamplePair } from "./example-pairs.js";
import {
  type ComparisonRow,
  comparisonRows,
  effectOf,
  judgesNote,
  modelRows,
  rewardRow,
  scoreUnit,
} from "./evaluation-rows.js";
import { formatInterval, formatStyled, type NumberStyle } from "./format-number.js";
import { plainTable } from "./plain-table.js";

/** `color` left out: as the terminal can (and as NO_COLOR says). */
export interface TerminalOptions {
  readonly color?: boolean;
}

const colorsOf = ({ color }: TerminalOptions) => pc.createColors(color ?? pc.isColorSupported);

/** SFT against policy for a terminal: means with 95 % intervals. */
export function evaluationTable(evaluation: Evaluation, options: TerminalOptions = {}): string {
  const { bold, dim, green, red } = colorsOf(options);
  const cell = (metric: Metric | null, style: NumberStyle): string =>
    metric === null ? dim("–") : `${formatStyled(metric.mean, style)}  ${dim(`(${formatInterval(metric, style)})`)}`;
  const paint = { above: green, below: red, around: dim };

  const models = modelRows(evaluation).map(({ label, style, sft, policy }) => [
    label,
    cell(sft, style),
    cell(policy, style),
  ]);
  const comparison = (row: ComparisonRow): string[] => {
    const { label, style, metric, noChange } = row;
    const effect = effectOf(row);
    const bound = formatStyled(noChange, { ...style, decimals: 0 });
    return [label, cell(metric, style), paint[effect](`${effect} ${bound}`)];
  };
  const reward = rewardRow(evaluation);
  const footnote =
    `Means and 95 % intervals, ${evaluation.sft.score.n} responses of each model from the prompt. ` +
    `Policy: iteration ${evaluation.bestIteration}.\nScores in ${scoreUnit(evaluation)}, ` +
    `KL in nats a response, length in tokens. ${judgesNote(evaluation)}${referenceNote(evaluation)}`;
  return [
    plainTable([["", bold("SFT"), bold("policy")], ...models]),
    "",
    plainTable([
      [bold("Comparisons")],
      ...comparisonRows(evaluation).map(comparison),
      ...(reward === null ? [] : [[""], [bold("Reward, on held-out pairs")], comparison(reward)]),
    ]),
    "",
    dim(footnote),
  ].join("\n");
}

const referenceNote = ({ reference }: Evaluation): string =>
  reference === null ? "" : `\nReferences score ${formatStyled(reference.score.mean, { decimals: 2 })}.`;

/** Before and after, for a terminal: the same prompt under the same noise, SFT's response and the policy's. */
export function exampleLines(examples: readonly ExamplePair[], options: TerminalOptions = {}): readonly string[] {
  const { bold, dim } = colorsOf(options);
  const prompts = new Set(examples.map(({ prompt }) => prompt));
  const response = (name: string, { text, score }: { readonly text: string; readonly score: number }): string =>
    `  ${name} ${formatStyled(score, { decimals: 2, signed: true }).padStart(6)}  ${printable(text)}`;
  return examples.flatMap(({ prompt, sft, policy }, i) => [
    ...(i === 0 || prompts.size > 1 ? [dim(printable(prompt))] : []),
    response("SFT   ", sft),
    response(bold("policy"), policy),
    ...(i + 1 < examples.length ? [""] : []),
  ]);
}

/** One line, without what would move the cursor, change colours or reorder text: a model may write anything. */
const printable = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[^\P{C}\u00ad\u200d]/gu, "\ufffd")
    .trim();
