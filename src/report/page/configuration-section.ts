import { html, type Html } from "../html.js";
import type { GroupFacts, Report, RunFacts, SettingDifference } from "../report.js";
import { key, scrollable } from "./parts.js";
import { settingsTables } from "./settings-tables.js";

/** In what groups differ, all that each was configured with, what it was made of, and how to run it again. */
export function configurationSection({ groups, differences, runs }: Report): Html {
  const begun = runs.filter(({ runId }) => runId !== null);
  return html`<section id="configuration">
    <h2>Configuration</h2>
    ${groups.length < 2 ? null : differencesTable(groups, differences)}
    ${groups.map(
      ({ label, colour, recipe }) =>
        html`<details>
          <summary>${groups.length < 2 ? "All settings" : html`All settings of ${key(colour, label)}`}</summary>
          ${settingsTables(recipe)}
        </details>`,
    )}
    <h2 id="versions">Versions and hashes</h2>
    ${versionsTable(begun)}
    <h2 id="again">To run it again</h2>
    <p class="note">With --seed another seed of the same configuration.</p>
    <pre tabindex="0"><code>${begun.map(({ command }) => command).join("\n")}</code></pre>
  </section>`;
}

const differencesTable = (groups: readonly GroupFacts[], differences: readonly SettingDifference[]): Html =>
  html`<p class="note">In what groups differ, apart from what only some methods have.</p>
    ${differencesOf(groups, differences)}`;

const differencesOf = (groups: readonly GroupFacts[], differences: readonly SettingDifference[]): Html =>
  scrollable(
    "Differences of configuration",
    html`<table class="figures texts">
      <thead>
        <tr>
          <th scope="col">Setting</th>
          ${groups.map(({ label, colour }) => html`<th scope="col">${key(colour, label)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${differences.map(
          ({ path, values }) =>
            html`<tr>
              <th scope="row">${path}</th>
              ${values.map((value) => html`<td>${settingText(value)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );

export const settingText = (value: unknown): string =>
  value === undefined ? "\u2013" : typeof value === "string" ? value : JSON.stringify(value);

/** A row for each version or hash; those in which runs differ say whose they are. */
function versionsTable(runs: readonly RunFacts[]): Html {
  const of = (run: RunFacts): Readonly<Record<string, string>> => ({ ...run.versions, ...run.hashes });
  const names = [...new Set(runs.flatMap((run) => Object.keys(of(run))))];
  const rows = names.flatMap((name) => {
    const values = [...new Set(runs.map((run) => of(run)[name] ?? "\u2013"))];
    return values.map((value) => {
      const own = runs.filter((run) => (of(run)[name] ?? "\u2013") === value);
      return { name, value, of: values.length === 1 ? null : own.map((run) => run.name).join(", ") };
    });
  });
  return html`<table class="record versions">
    <tbody>
      ${[...rows, ...(runs.length === 1 ? [{ name: "run", value: runs[0]!.runId!, of: null }] : [])].map(
        ({ name, value, of: whose }) =>
          html`<tr>
            <th scope="row">${name}${whose === null ? null : html`<span class="quiet">${whose}</span>`}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
