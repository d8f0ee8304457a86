import { formatNumber } from "./format-number.js";
import { html, type Html } from "./html.js";

/** What the charts of a page have in common: their size, and their smallest pieces. Plain SVG, in a viewBox of SIZE. */
export const SIZE = { width: 360, height: 190 } as const;
/** Where the axes end. */
export const PLOT = { left: 46, right: 348, top: 12, bottom: 162 } as const;

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

type Anchor = "start" | "middle" | "end";

export const label = (className: string, x: number, y: number, anchor: Anchor, text: string | number): Html =>
  html`<text class="${className}" x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;

/** A tick of y with its line across the plot. */
export const horizontal = (tick: number, y: number): Html =>
  html`<line class="${tick === 0 ? "zero" : "grid"}" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}" />
    ${label("tick", PLOT.left - 6, y + 3.5, "end", formatNumber(tick))}`;

/** A point that tells its value when it is hovered; where points are many they show only then. */
export const dot = (x: number, y: number, isHidden: boolean, text: string): Html =>
  html`<g class="point">
    <circle class="dot" cx="${x}" cy="${y}" r="${isHidden ? 0 : 2.4}" />
    <circle class="target" cx="${x}" cy="${y}" r="7"><title>${text}</title></circle>
  </g>`;

export const pixel = (value: number): number => Math.round(value * 10) / 10;
