import type { JSX } from "preact";
import type { RunDetail } from "../api.js";
import { FigureCell } from "./evaluation-table.js";
import { formatNumber } from "./format.js";
import { ScrollRegion } from "./scroll-region.js";

/** Results side by side, and the settings that are not the same in all. */
export function CompareTables({ details }: { readonly details: readonly RunDetail[] }): JSX.Element {
  return (
    <>
      <Results details={details} />
      <Differences details={details} />
    </>
  );
}

/** Of each run its best checkpoint: what validation and evaluation say of it. */
function Results({ details }: { readonly details: readonly RunDetail[] }): JSX.Element {
  const main = details.flatMap(({ evaluation }) => evaluation ?? []).filter(({ isMain }) => isMain);
  const labels = [...new Set(main.map(({ label }) => label))];
  return (
    <ScrollRegion label="Results">
      <table class="figures">
        <caption>Results: validation of the best checkpoint so far, then the evaluation</caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col" class="number">
              Iteration
            </th>
            <th scope="col" class="number">
              Best checkpoint
            </th>
            <th scope="col" class="number">
              Its score, validation
            </th>
            <th scope="col" class="number">
              Its KL to SFT
            </th>
            {labels.map((label) => (
              <th key={label} scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {details.map(({ summary, evaluation, bestIteration, bestValidation }) => (
            <tr key={summary.id}>
              <th scope="row">{summary.id}</th>
              <td class="number">{summary.iteration}</td>
              <td class="number">{bestIteration === null ? "\u2013" : `iteration ${bestIteration}`}</td>
              <td class="number">{formatNumber(bestValidation?.score ?? null)}</td>
              <td class="number">{formatNumber(bestValidation?.kl ?? null)}</td>
              {labels.map((label) => {
                const row = evaluation?.find((one) => one.label === label);
                return <FigureCell key={label} figure={row?.policy ?? row?.comparison ?? null} />;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function Differences({ details }: { readonly details: readonly RunDetail[] }): JSX.Element {
  const settings = details.map(({ settings: own }) => new Map(own.map(({ key, value }) => [key, value])));
  const keys = [...new Set(settings.flatMap((own) => [...own.keys()]))].filter(
    (key) => new Set(settings.map((own) => own.get(key))).size > 1,
  );
  if (keys.length === 0) return <p class="quiet">The recipes are the same.</p>;
  return (
    <ScrollRegion label="Where the recipes differ">
      <table class="figures">
        <caption>Where the recipes differ</caption>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            {details.map(({ summary }) => (
              <th key={summary.id} scope="col">
                {summary.id}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              {settings.map((own, i) => (
                <td key={details[i]!.summary.id}>{own.get(key) ?? "\u2013"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
