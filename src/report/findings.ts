import type { Evaluation } from "../domain/evaluation.js";
import { comparisonSentence, isClear } from "./comparison-words.js";
import { comparisonRows, effectOf, rewardRow } from "./evaluation-rows.js";
import type { Comparison } from "./figures/comparisons.js";
import { formatInterval, formatStyled } from "./format-number.js";
import type { RunGroup } from "./group-runs.js";

/** Sentences; the tables have the rest. */
const MAX_SENTENCES = 8;

/** What the results say, in plain words: of several groups how they differ, of a single run how it differs from SFT. */
export function findings(groups: readonly RunGroup[], comparisons: readonly Comparison[]): readonly string[] {
  const evaluations = groups.flatMap(({ runs }) => runs.flatMap(({ evaluation }) => evaluation ?? []));
  if (evaluations.length === 1) return ofOneRun(evaluations[0]!);
  if (comparisons.length === 0) return [];
  const clear = comparisons.filter(isClear);
  const shown = clear.slice(0, MAX_SENTENCES).map(comparisonSentence);
  const rest = comparisons.length - clear.length;
  return [
    ...shown,
    ...(clear.length > shown.length
      ? [`${clear.length - shown.length} more differences are clear; the tests below have them.`]
      : []),
    ...(rest === 0
      ? []
      : [
          `${clear.length === 0 ? "None" : "No other"} of the ${comparisons.length} comparisons shows a clear difference.`,
        ]),
  ];
}

const ofOneRun = (evaluation: Evaluation): readonly string[] =>
  [comparisonRows(evaluation), rewardRow(evaluation) ?? []].flat().map((row) => {
    const { label, unit, style, metric, noChange } = row;
    const bound = formatStyled(noChange, { ...style, decimals: 0, signed: false });
    const reading = { above: `above ${bound}`, below: `below ${bound}`, around: `no clear difference from ${bound}` }[
      effectOf(row)
    ];
    return `${label} (${unit}): ${formatStyled(metric.mean, style)} (${formatInterval(metric, style)}, n = ${metric.n}), ${reading}.`;
  });
