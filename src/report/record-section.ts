import type { RunRecord } from "../run/run-files.js";
import { html, type Html } from "./html.js";

/** What is needed to repeat the run: configuration, versions, hashes. */
export function recordSection({ recipe, versions, hashes, runId }: RunRecord): Html {
  const settings = Object.entries(recipe).filter(([name]) => name !== "$schema");
  const plain = settings.filter(([, value]) => !isSection(value));
  const sections = settings.filter(([, value]) => isSection(value));
  return html`<section>
    <h2>Configuration</h2>
    <div class="settings">
      ${settingsTable("recipe", Object.fromEntries(plain))}
      ${sections.map(([name, value]) => settingsTable(name, value))}
    </div>
    <h2>Versions and hashes</h2>
    <table class="record">
      <tbody>
        ${Object.entries({ ...versions, ...hashes, run: runId }).map(([name, value]) => row(name, value))}
      </tbody>
    </table>
  </section>`;
}

const isSection = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** One section of the recipe. */
function settingsTable(name: string, value: unknown): Html {
  const rows = leaves(value);
  return html`<table class="record">
    <caption>
      ${name}
    </caption>
    <tbody>
      ${rows.map(([path, leaf]) => row(path, leaf))}
    </tbody>
  </table>`;
}

const row = (name: string, value: string): Html =>
  html`<tr>
    <th scope="row">${name}</th>
    <td>${value}</td>
  </tr>`;

function leaves(value: unknown, path = ""): readonly (readonly [string, string])[] {
  if (!isSection(value)) {
    return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`));
}
