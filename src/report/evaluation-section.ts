import type { Evaluation, Metric } from "../domain/evaluation.js";
import {
  comparisonRows,
  effectOf,
  isInOwnUnits,
  judgesNote,
  modelRows,
  type ComparisonRow,
} from "./evaluation-rows.js";
import { formatInterval, formatStyled, type NumberStyle } from "./format-number.js";
import { html, type Html } from "./html.js";
import { intervalPlot } from "./interval-plot.js";

/** The result at a glance, then in full: SFT against the policy, each number with its 95 % interval. */
export function evaluationSection(evaluation: Evaluation): Html {
  const { sft, bestIteration } = evaluation;
  return html`<section>
    <h2>Result</h2>
    <div class="tiles">${comparisonRows(evaluation).map(tile)}</div>
    <table class="result">
      <caption>
        Means with 95 % intervals, over ${sft.score.n} responses of each model, always sampled from the prompt under the
        same noise. The policy is the checkpoint of iteration ${bestIteration}, the best by validation.
      </caption>
      <thead>
        <tr>
          <th scope="col"><span class="hidden">metric</span></th>
          <th scope="col"><span class="key sft">SFT</span></th>
          <th scope="col"><span class="key policy">Policy</span></th>
          <th class="plot" aria-hidden="true"></th>
        </tr>
      </thead>
      <tbody>
        ${modelRows(evaluation).map(
          ({ label, unit, style, ...row }) =>
            html`<tr>
              <th scope="row">${label} <span class="quiet">${unit}</span></th>
              ${numberCell(row.sft, style)} ${numberCell(row.policy, style)}
              <td class="plot">
                ${intervalPlot(
                  (["sft", "policy"] as const).flatMap((name) => {
                    const metric = row[name];
                    return metric ? [{ metric, className: name }] : [];
                  }),
                )}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    <p class="note">${scoreNote(evaluation)} KL is summed over a response. ${judgesNote(evaluation)}</p>
  </section>`;
}

function scoreNote(evaluation: Evaluation): string {
  const { mean, standardDeviation } = evaluation.scoreScale;
  if (isInOwnUnits(evaluation)) return "A score is in units of the reward.";
  return (
    `A score is (reward \u2212 ${mean.toFixed(3)}) / ${standardDeviation.toFixed(3)}: ` +
    "mean and standard deviation of samples of SFT."
  );
}

function tile(row: ComparisonRow): Html {
  const { label, unit, style, metric, noChange } = row;
  const bound = formatStyled(noChange, { ...style, decimals: 0 });
  const reading = {
    above: `The interval lies above ${bound}.`,
    below: `The interval lies below ${bound}.`,
    around: `The interval holds ${bound}: no clear change.`,
  }[effectOf(row)];
  return html`<div class="tile">
    <h3>${label}</h3>
    <p class="big">${formatStyled(metric.mean, style)}</p>
    <p class="quiet">${unit}, n = ${metric.n}</p>
    ${intervalPlot([{ metric, className: "policy" }], noChange)}
    <p>95 % interval ${formatInterval(metric, style)}</p>
    <p class="quiet">${reading}</p>
  </div>`;
}

const numberCell = (metric: Metric | null, style: NumberStyle): Html =>
  metric
    ? html`<td class="number">
        <b>${formatStyled(metric.mean, style)}</b><br /><span class="quiet">${formatInterval(metric, style)}</span>
      </td>`
    : html`<td class="number">–</td>`;
