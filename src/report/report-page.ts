import { BARS_STYLE } from "./bars-chart.js";
import { CURVE_STYLE } from "./curves-chart.js";
import { html, Html } from "./html.js";
import { configurationSection } from "./page/configuration-section.js";
import { curvesSection } from "./page/curves-section.js";
import { frontierSection } from "./page/frontier-section.js";
import { head } from "./page/head-section.js";
import { prefixReturnsSection } from "./page/prefix-returns-section.js";
import { resultsSection } from "./page/results-section.js";
import { samplesSection, trainingSamplesSection } from "./page/samples-section.js";
import { ablationSection, scalingSection } from "./page/settings-charts.js";
import { verdictsSection } from "./page/verdicts-section.js";
import { PLOT_STYLE } from "./render-plot.js";
import type { Report } from "./report.js";
import { REPORT_STYLE } from "./report-style.js";

// Nothing may be loaded and nothing may run, whatever a response holds.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole report: one document that loads nothing. */
export function reportPage(report: Report): string {
  const sections = reportSections(report);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="color-scheme" content="light dark" />
        <title>${report.title} · drpo report</title>
        <style>
          ${new Html(REPORT_STYLE + PLOT_STYLE + CURVE_STYLE + BARS_STYLE)}
        </style>
      </head>
      <body>
        ${head(report)}
        <main>${report.problems.length === 0 ? null : problemsSection(report.problems)} ${sections}</main>
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function reportSections(report: Report): readonly (Html | null)[] {
  const { frontier, ablation, scaling, curves, prefixReturns, samples, trainingSamples, verdicts } = report;
  const bestIteration = report.runs.length === 1 ? report.runs[0]!.bestIteration : null;
  return [
    resultsSection(report),
    frontier && frontierSection(frontier),
    ablation.length > 0 ? ablationSection(ablation) : null,
    scaling && scalingSection(scaling),
    samples.length > 0 ? samplesSection(samples) : null,
    verdicts.length > 0 ? verdictsSection(report) : null,
    curves.length > 0 ? curvesSection({ curves, groups: report.groups, bestIteration }) : null,
    prefixReturns.length > 0 ? prefixReturnsSection(prefixReturns) : null,
    trainingSamples.length > 0 ? trainingSamplesSection(trainingSamples) : null,
    report.groups.length > 0 ? configurationSection(report) : null,
  ];
}

const problemsSection = (problems: readonly string[]): Html =>
  html`<section class="problems" role="alert">
    <h2>Not everything could be read</h2>
    <ul>
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ul>
  </section>`;
