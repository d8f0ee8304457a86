import { comparisonNote, differenceStyle, intervalText, isClear, pairsText } from "../comparison-words.js";
import type { Comparison } from "../figures/comparisons.js";
import type { ResultsTable } from "../figures/results-table.js";
import { formatCell, formatP } from "../format-cell.js";
import { formatStyled } from "../format-number.js";
import { html, type Html } from "../html.js";
import type { Report } from "../report.js";
import { key, numberCell, scrollable } from "./parts.js";
import { greatest } from "../../math/extremes.js";

/** Table 1 of the paper, and what can be said of its differences. */
export function resultsSection({
  results,
  comparisons,
  findings: lines,
}: Pick<Report, "results" | "comparisons" | "findings">): Html {
  if (results.metrics.length === 0) {
    return html`<section id="results">
      <h2>Results</h2>
      <p>No run has an evaluation yet.</p>
    </section>`;
  }
  return html`<section id="results">
    <h2>Results</h2>
    ${findings(lines)} ${resultTables(results).map(({ label, table }) => resultTable(label, table))}
    <p class="note">${resultsNote(results)}</p>
    ${comparisons.length === 0 ? null : testsTable(comparisons)}
  </section>`;
}

const findings = (lines: readonly string[]): Html | null =>
  lines.length === 0
    ? null
    : html`<ul class="findings">
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ul>`;

export function resultsNote({ rows, rewardAccuracy }: ResultsTable): string {
  const seeds = greatest(rows.map((row) => row.seeds.length));
  const spread = rows.some((row) => row.seeds.length > 1)
    ? "Mean \u00b1 standard deviation over seeds" +
      (rows.some((row) => row.seeds.length === 1) ? "; with one seed, its own 95 % interval" : "")
    : "Each mean with its 95 % interval over responses of one seed";
  return (
    `${spread}. Every response is sampled from the prompt, without resets; the checkpoint is the best by validation. ` +
    "KL is the k1 estimate, summed over a response. A judge's tie counts one half. " +
    (rewardAccuracy === null
      ? ""
      : `The scores order ${formatCell(rewardAccuracy, { isShare: true, decimals: 1 })} of held-out pairs as people did. `) +
    (seeds === 1 ? "One seed says nothing of the spread over seeds." : "")
  ).trim();
}

/** What is aimed at, and what the responses are like: too many columns for one table. */
export function resultTables({ metrics, rows, rewardAccuracy }: ResultsTable) {
  const part = (label: string, isTested: boolean) => {
    const columns = metrics.flatMap((metric, i) => (metric.isTested === isTested ? [i] : []));
    const cut = rows.map((row) => ({ ...row, cells: columns.map((i) => row.cells[i]!) }));
    return {
      label,
      table: {
        rewardAccuracy,
        metrics: columns.map((i) => metrics[i]!),
        rows: cut.filter(({ kind, cells }) => kind === "group" || cells.some((cell) => cell !== null)),
      },
    };
  };
  return [part("Results", true), part("Responses", false)].filter(({ table }) => table.metrics.length > 0);
}

const resultTable = (name: string, { metrics, rows }: ResultsTable): Html =>
  scrollable(
    name,
    html`<table class="figures">
      <thead>
        <tr>
          <th scope="col"><span class="hidden">model</span></th>
          <th scope="col">Seeds</th>
          ${metrics.map(({ label, unit }) => html`<th scope="col">${label}<span class="quiet">${unit}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${key(row.colour, row.label)}</th>
              <td>${row.seeds.length}</td>
              ${row.cells.map((cell, i) => numberCell(cell, metrics[i]!.style))}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );

const testsTable = (comparisons: readonly Comparison[]): Html =>
  html`<h3 class="stage">Paired tests</h3>
    <p class="note">${comparisonNote(comparisons)}</p>
    <details ${comparisons.length > MANY ? null : html`open`}>
      <summary>All ${comparisons.length} comparisons</summary>
      ${scrollable(
        "Paired tests",
        html`<table class="figures tests">
          <thead>
            <tr>
              ${TEST_COLUMNS.map((column) => html`<th scope="col">${column}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${comparisons.map(
              (one) =>
                html`<tr class="${isClear(one) ? "clear" : ""}">
                  ${testCells(one).map((text, i) => (i === 0 ? html`<th scope="row">${text}</th>` : html`<td>${text}</td>`))}
                </tr>`,
            )}
          </tbody>
        </table>`,
      )}
    </details>`;

/** Comparisons; more are folded. */
const MANY = 12;

export const TEST_COLUMNS = [
  ...["Comparison", "Metric", "Difference", "95 % interval", "Paired over"],
  ...["p, t test", "p, permutation", "p, corrected"],
] as const;

/** As in TEST_COLUMNS. */
export function testCells(one: Comparison): readonly string[] {
  const { metric, group, baseline, test, pHolm } = one;
  return [
    ...[`${group} \u2212 ${baseline}`, metric.verdicts ? `${metric.label}, ${metric.unit}` : metric.label],
    ...[formatStyled(test.difference.mean, differenceStyle(one)), intervalText(one), pairsText(one)],
    ...[test.pT === null ? "\u2013" : formatP(test.pT), formatP(test.pPermutation), formatP(pHolm)],
  ];
}
