import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { html, Html } from "./html.js";

/** As little of the DOM as is asked of a drawing here; the DOM's own types are for browsers. */
interface SvgNode {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  querySelectorAll(selector: string): Iterable<SvgNode>;
}

/** What Plot draws into: it holds nothing between drawings. */
const page = parseHTML("<!doctype html><html><body></body></html>") as { readonly document: unknown };

/**
 * Draws a plot as SVG for a page whose style sheet has `PLOT_STYLE`. It scales with its column, takes its text's colour
 * from around it, and is one image to a screen reader.
 * @param options Plot's own; colours are best CSS variables, so that they follow light and dark
 * @param summary what it shows, in a sentence
 */
export function renderPlot(options: Plot.PlotOptions, summary: string): Html {
  const drawing = Plot.plot({ ...options, document: page.document, className: "plot" }) as unknown;
  const svg = drawing as SvgNode;
  // Each drawing brings the same style sheet: the page has it once.
  for (const style of svg.querySelectorAll("style")) style.remove();
  // The parts of an image have no names of their own.
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  // Escaped by `html`, which also shows control characters; linkedom escapes only what would end the attribute.
  const markup = shortened(svg.outerHTML).replace("<svg ", `<svg ${html`aria-label="${summary}"`.markup} `);
  return new Html(markup);
}

/** Attributes of places and sizes: a tenth of a pixel is enough. */
const PLACES = / (?:d|transform|c?[xy][12]?|width|height)="[^"]*"/g;

const shortened = (markup: string): string =>
  markup.replace(PLACES, (attribute) =>
    attribute.replace(/\d+\.\d{2,}(?!\d*em)/g, (number) => String(Number(Number(number).toFixed(1)))),
  );

/** Beside the report's style sheet, where a page has plots. */
export const PLOT_STYLE = `
.plot { display: block; width: 100%; height: auto; overflow: visible; color: var(--quiet); font: 10.5px/1 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
.plot text, .plot tspan { white-space: pre; }
`;
