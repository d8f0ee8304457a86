import { COLOURS } from "../curves-chart.js";
import type { ResultCell } from "../figures/results-table.js";
import { formatCell, formatCellInterval } from "../format-cell.js";
import type { NumberStyle } from "../format-number.js";
import { html, type Html } from "../html.js";

/** A name with its colour; SFT and references have none. */
export const key = (colour: number | null, label: string): Html =>
  html`<span class="key${colour === null ? " sft" : ` colour-${colour % COLOURS}`}">${label}</span>`;

/** Wide content that scrolls by itself, by keyboard too. */
export const scrollable = (label: string, content: Html): Html =>
  html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;

/** A number of a table, with its interval below it if it has its own. */
export function numberCell(cell: ResultCell | null, style: NumberStyle): Html {
  if (cell === null) return html`<td><span class="quiet">–</span></td>`;
  const interval = formatCellInterval(cell, style);
  return html`<td>
    ${formatCell(cell, style)}${interval === null ? null : html`<span class="quiet">${interval}</span>`}
  </td>`;
}

/** Characters of a prompt; the rest of a longer one is folded. */
const LONG_PROMPT = 600;
const SHOWN_OF_LONG = 160;

export const promptQuote = (text: string): Html =>
  text.length <= LONG_PROMPT
    ? html`<blockquote class="prompt" dir="auto">${text}</blockquote>`
    : html`<details class="prompt">
        <summary dir="auto">${[...text].slice(0, SHOWN_OF_LONG).join("")}…</summary>
        <blockquote class="prompt" dir="auto">${text}</blockquote>
      </details>`;
