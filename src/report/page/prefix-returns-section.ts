import { curvesChart } from "../curves-chart.js";
import type { PrefixReturns } from "../figures/prefix-returns.js";
import { html, type Html } from "../html.js";

/** Rollouts; the interval of fewer would be wider than the chart. */
const FEWEST = 5;

/** What training rollouts scored, by how much of the response they were given. */
export const prefixReturnsSection = (returns: readonly PrefixReturns[]): Html =>
  html`<section id="prefix-returns">
    <h2>Return by reset length</h2>
    <p class="note">
      Mean score of training rollouts by the length of the prefix that they were reset to, in the first and in the last
      third of the training. A policy that learnt from its resets gains at short prefixes too, which are nearest to the
      prompt. Bars: 95 % intervals.
    </p>
    <div class="charts">
      ${returns.map(({ group, colour, parts }) =>
        curvesChart({
          ...{ title: group, unit: "score", xName: "prefix, tokens" },
          curves: parts.map(({ label, isLate, buckets }) => ({
            ...{ label, colour, isDashed: !isLate, spread: "bars" as const },
            points: buckets.map(({ moreThan, upTo, score: { mean, low, high, n } }) => ({
              ...{ x: (moreThan + upTo) / 2, y: mean },
              ...(low === null || high === null || n < FEWEST ? {} : { low, high }),
            })),
          })),
        }),
      )}
    </div>
  </section>`;
