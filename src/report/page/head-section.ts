import { html, type Html } from "../html.js";
import type { Report, RunFacts } from "../report.js";
import { key, scrollable } from "./parts.js";

/** Title, and what was compared. */
export const head = ({ title, groups, runs, facts }: Report): Html =>
  html`<header>
    <p class="quiet">drpo report</p>
    <h1>${title}</h1>
    ${
      facts.length === 0
        ? null
        : html`<dl class="facts">
            ${facts.map(
              ({ name, value }) =>
                html`<div>
                  <dt>${name}</dt>
                  <dd>${value}</dd>
                </div>`,
            )}
          </dl>`
    }
    ${
      groups.length < 2
        ? null
        : html`<ul class="groups">
            ${groups.map(
              ({ label, colour, seeds }) =>
                html`<li>${key(colour, label)} <span class="quiet">${seedsText(seeds)}</span></li>`,
            )}
          </ul>`
    }
    ${runs.length < 2 ? null : runsTable(runs)}
  </header>`;

export const seedsText = (seeds: readonly number[]): string =>
  `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}`;

/** "21 runs: 19 done, 1 running, 1 failed" */
export function statesText(runs: readonly Pick<RunFacts, "status">[]): string {
  const statuses = [...new Set(runs.map(({ status }) => status))];
  const counts = statuses.map((status) => `${runs.filter((run) => run.status === status).length} ${status}`);
  return `${runs.length} runs: ${counts.join(", ")}`;
}

/** How each run stands; folded where all are through. */
const runsTable = (runs: readonly RunFacts[]): Html =>
  html`<details class="runs" ${runs.every(({ status }) => status === "done") ? null : html`open`}>
    <summary>${statesText(runs)}</summary>
    ${scrollable(
      "Runs",
      html`<table class="figures texts">
        <thead>
          <tr>
            ${["Run", "Group", "Seed", "State", "Iteration", "Best checkpoint"].map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${runs.map(
            (run) =>
              html`<tr>
                <th scope="row">${run.name}</th>
                <td>${run.group ?? "\u2013"}</td>
                <td>${run.seed ?? "\u2013"}</td>
                <td>${run.status}${run.message === null ? null : html`<span class="quiet">${run.message}</span>`}</td>
                <td>${run.iterations === null ? run.iteration : `${run.iteration} of ${run.iterations}`}</td>
                <td>${run.bestIteration === null ? "\u2013" : `iteration ${run.bestIteration}`}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    )}
  </details>`;
