import { barsChart } from "../bars-chart.js";
import { opponentName } from "../figures/result-metrics.js";
import type { AgreementSummary, Disagreement, VerdictCounts } from "../figures/verdicts.js";
import { formatStyled } from "../format-number.js";
import { html, type Html } from "../html.js";
import { promptQuote, scrollable } from "./parts.js";

const PARTS = [
  { name: "win", colour: "var(--win)" },
  { name: "tie", colour: "var(--tie)" },
  { name: "loss", colour: "var(--loss)" },
  { name: "unjudged", colour: "var(--none)" },
] as const;

export interface Verdicts {
  readonly verdicts: readonly VerdictCounts[];
  readonly agreements: readonly AgreementSummary[];
  readonly disagreements: readonly Disagreement[];
}

export const verdictsSection = ({ verdicts, agreements, disagreements }: Verdicts): Html =>
  html`<section id="judges">
    <h2>What judges say</h2>
    ${verdicts.map(({ judge, against, models }) =>
      barsChart({
        ...{ title: `${judge}, against ${opponentName(against)}`, unit: "share of responses, all seeds" },
        parts: PARTS.filter((_, i) => i < 3 || models.some(({ unjudged }) => unjudged > 0)),
        bars: models.map(({ label, wins, ties, losses, unjudged }) => ({
          label,
          counts: [wins, ties, losses, unjudged],
        })),
      }),
    )}
    ${agreements.length === 0 ? null : agreementTable(agreements)}
    ${
      disagreements.length === 0
        ? null
        : html`<h3 class="stage">Where judges disagree</h3>
            ${disagreements.map(disagreement)}`
    }
  </section>`;

const agreementTable = (agreements: readonly AgreementSummary[]): Html =>
  html`<h3 class="stage">Agreement</h3>
    ${scrollable(
      "Agreement of judges",
      html`<table class="figures">
        <thead>
          <tr>
            <th scope="col">Judges</th>
            <th scope="col">Of</th>
            <th scope="col">Against</th>
            <th scope="col">Same verdict</th>
            <th scope="col">Cohen's kappa</th>
            <th scope="col">Responses</th>
          </tr>
        </thead>
        <tbody>
          ${agreements.map(
            ({ judges, of, against, share, kappa, rows }) =>
              html`<tr>
                <th scope="row">${judges.join(", ")}</th>
                <td>${of === "sft" ? "SFT" : of}</td>
                <td>${opponentName(against)}</td>
                <td>${formatStyled(share, { isShare: true, decimals: 1 })}</td>
                <td>${kappa === null ? "\u2013" : formatStyled(kappa, { decimals: 2 })}</td>
                <td>${rows}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    )}`;

const disagreement = ({ label, seed, against, prompt, own, opponent, verdicts }: Disagreement): Html =>
  html`<article class="example">
    ${promptQuote(prompt)}
    <div class="cards">
      <div class="response">
        <h3>${label}, seed ${seed}</h3>
        <p dir="auto">${own}</p>
      </div>
      ${
        opponent === null
          ? null
          : html`<div class="response">
              <h3>${opponentName(against)}</h3>
              <p dir="auto">${opponent}</p>
            </div>`
      }
      ${verdicts.map(
        ({ judge, verdict, answers }) =>
          html`<div class="response judge">
            <h3>${judge}: ${verdict ?? "unjudged"}</h3>
            ${answers.map(
              ({ first, text }) =>
                html`<p class="quiet" dir="auto">
                  ${first === "own" ? label : opponentName(against)} first: “${text}”
                </p>`,
            )}
          </div>`,
      )}
    </div>
  </article>`;
