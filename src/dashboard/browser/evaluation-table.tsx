import type { JSX } from "preact";
import type { EvaluationRow, Figure } from "../api.js";
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
              Policy against
            </th>
          </tr>
        </thead>
        <tbody>
          {evaluation.map(({ label, unit, sft, policy, comparison }) => (
            <tr key={`${label} ${unit}`}>
              <th scope="row">
                {label} <span class="quiet">{unit}</span>
              </th>
              <FigureCell figure={sft} />
              <FigureCell figure={policy} />
              <FigureCell figure={comparison} />
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

export const FigureCell = ({ figure }: { readonly figure: Figure | null }): JSX.Element => (
  <td class="number">
    {figure && (
      <>
        {figure.mean} <span class="quiet">{figure.interval}</span>
      </>
    )}
  </td>
);
