import { flattenRecipe } from "../../config/flatten-recipe.js";
import { html, type Html } from "../html.js";

/** A resolved recipe, a table for each of its sections. */
export function settingsTables(recipe: Readonly<Record<string, unknown>>): Html {
  const settings = Object.entries(recipe).filter(([name]) => name !== "$schema");
  const plain = settings.filter(([, value]) => !isSection(value));
  const sections = settings.filter(([, value]) => isSection(value));
  return html`<div class="settings">
    ${settingsTable("recipe", Object.fromEntries(plain))} ${sections.map(([name, value]) => settingsTable(name, value))}
  </div>`;
}

const isSection = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const settingsTable = (name: string, section: unknown): Html =>
  html`<table class="record">
    <caption>
      ${name}
    </caption>
    <tbody>
      ${[...flattenRecipe(section)].map(
        ([path, value]) =>
          html`<tr>
            <th scope="row">${path}</th>
            <td>${typeof value === "string" ? value : JSON.stringify(value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
