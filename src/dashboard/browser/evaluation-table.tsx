import type { JSX } from "preact";
import type { EvaluationRow, Interval } from "../api.js";
import { formatNumber } from "./format.js";
import { ScrollRegion } from "./scroll-region.js";

/** evaluation.json. */
export function EvaluationTable({
  evaluation,
  bestIteration,
}: {
  readonly evaluation: readonly EvaluationRow[] | null;
  readonly bestIteration: number | null;
}): JSX.Element {
  if (evaluation === null) {
    return <p class="quiet">There is no evaluation yet: it comes when the last iteration is done.</p>;
  }
  return (
    <ScrollRegion label="Evaluation">
      <table class="figures">
        <caption>
          The policy{bestIteration === null ? "" : ` of iteration ${bestIteration}`} on held-out prompts, always from
          the prompt. Means with 95 % intervals.
        </caption>
        <thead>
          <tr>
            <th scope="col">Figure</th>
            <th scope="col" class="number">
              SFT
            </th>
            <th scope="col" class="number">
              Policy
            </th>
            <th scope="col" class="number">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {evaluation.map(({ name, title, unit, sft, policy, difference }) => (
            <tr key={name}>
              <th scope="row">
                {title} <span class="quiet">{unit}</span>
              </th>
              <IntervalCell interval={sft} />
              <IntervalCell interval={policy} />
              <IntervalCell interval={difference} />
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

export const IntervalCell = ({ interval }: { readonly interval: Interval | null }): JSX.Element => (
  <td class="number">
    {interval && (
      <>
        {formatNumber(interval.mean)}{" "}
        <span class="quiet">
          {formatNumber(interval.low)} to {formatNumber(interval.high)}
        </span>
      </>
    )}
  </td>
);
