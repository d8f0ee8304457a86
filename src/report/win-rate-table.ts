import Table from "cli-table3";
import pc from "picocolors";
import type { Evaluation, Metric } from "../domain/evaluation.js";
import { formatInterval, formatStyled, type NumberStyle } from "./format-number.js";

const SHARE: NumberStyle = { isShare: true, decimals: 1 };

/** Win rates by judge, model and opponent, and how far judges agree, for a terminal. */
export function winRateTable(
  { winRates, agreement }: Pick<Evaluation, "winRates" | "agreement">,
  { color = pc.isColorSupported }: { readonly color?: boolean } = {},
): string {
  const { bold, dim } = pc.createColors(color);
  const share = (metric: Metric): string =>
    metric.n === 0 ? dim("–") : `${formatStyled(metric.mean, SHARE)}  ${dim(`(${formatInterval(metric, SHARE)})`)}`;
  const wins = winRates.map(({ judge, of, against, winRate, ties, unjudged }) => [
    ...[judge, of, against, share(winRate)],
    ...[winRate.n, ties, unjudged].map(String),
  ]);
  const agreeing = agreement.map(({ judges, of, against, share: same, kappa }) => [
    ...[judges.join(" and "), of, against, share(same)],
    kappa === null ? dim("–") : kappa.toFixed(2),
  ]);
  const heads = (...names: string[]) => names.map((name) => bold(name));
  const parts = [table([heads("Judge", "of", "against", "win rate", "judged", "ties", "unjudged"), ...wins])];
  if (agreeing.length > 0) parts.push(table([heads("Judges", "of", "against", "same verdict", "kappa"), ...agreeing]));
  return [...parts, dim("95 % intervals; a tie counts one half. Kappa: agreement beyond chance, 0 to 1.")].join("\n\n");
}

/** Columns alone. */
function table(rows: readonly (readonly string[])[]): string {
  const plain = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 3 },
  });
  for (const row of rows) plain.push([...row]);
  return plain.toString().replace(/ +$/gm, "");
}

const NO_LINES = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("middle", "left-mid", "mid-mid", "right-mid")
    .map((name) => [name, ""]),
);
