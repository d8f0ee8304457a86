import type { JSX } from "preact";
import type { EvaluationRow, Figure } from "../api.js";
import { ScrollRegion } from "./scroll-region.js";

/** evaluation.json. */
export function EvaluationTable({
  evaluation,
  iteration,
}: {
  readonly evaluation: readonly EvaluationRow[] | null;
  readonly iteration: number | null;
}): JSX.Element {
  if (evaluation === null) {
    return <p class="quiet">There is no evaluation yet: it comes when the last iteration is done.</p>;
  }
  const ofModels = evaluation.filter(({ reward }) => reward === null);
  const ofReward = evaluation.filter(({ reward }) => reward !== null);
  return (
    <ScrollRegion label="Evaluation">
      <table class="figures">
        <caption>
          The policy{iteration === null ? "" : ` of iteration ${iteration}`} on held-out prompts, always from the
          prompt. Means with 95 % intervals.
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
              Policy against others
            </th>
          </tr>
        </thead>
        <tbody>
          {ofModels.map(({ label, unit, sft, policy, comparison }) => (
            <tr key={`${label} ${unit}`}>
              <RowName label={label} unit={unit} />
              <FigureCell figure={sft} />
              <FigureCell figure={policy} />
              <FigureCell figure={comparison} />
            </tr>
          ))}
        </tbody>
      </table>
      {ofReward.length > 0 && (
        <table class="figures">
          <caption>The reward itself, whichever policy: how far it agrees with people.</caption>
          <tbody>
            {ofReward.map(({ label, unit, reward }) => (
              <tr key={label}>
                <RowName label={label} unit={unit} />
                <FigureCell figure={reward} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </ScrollRegion>
  );
}

const RowName = ({ label, unit }: { readonly label: string; readonly unit: string }): JSX.Element => (
  <th scope="row">
    {label} <span class="quiet">{unit}</span>
  </th>
);

export const FigureCell = ({ figure }: { readonly figure: Figure | null }): JSX.Element => (
  <td class="number">
    {figure && (
      <>
        {figure.mean} <span class="quiet">{figure.interval}</span>
      </>
    )}
  </td>
);
