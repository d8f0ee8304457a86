import { CURVE_STYLE, curvesChart } from "../report/curves-chart.js";
import { Html, html } from "../report/html.js";
import { PLOT_STYLE } from "../report/render-plot.js";
import { REPORT_STYLE } from "../report/report-style.js";
import type { StudyResult, StudyTable } from "./study.js";
import { cellText } from "./study-markdown.js";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STUDY_STYLE = `
.scroll { overflow-x: auto; }
.figures { margin-top: 20px; font-size: 13.5px; }
.figures caption { padding-bottom: 6px; color: var(--ink); font-weight: 600; text-align: left; }
.figures th, .figures td { padding: 4px 18px 4px 0; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; }
.figures th { font-weight: 500; }
.findings { padding: 0; list-style: none; }
.findings li { padding-left: 22px; text-indent: -22px; }
.findings li::before { display: inline-block; width: 22px; text-indent: 0; }
.findings .holds::before { content: "✓"; color: var(--policy); }
.findings .fails::before { content: "✗"; color: var(--mark); }
.charts { grid-template-columns: repeat(auto-fill, minmax(430px, 1fr)); }
@media (max-width: 680px) { .charts { grid-template-columns: 1fr; } }
`;

/** A study as one document that loads nothing, light or dark by the reader's setting. */
export const studyPage = ({ title, description, findings, charts, tables }: StudyResult): string => {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · drpo study</title>
        <style>
          ${new Html(REPORT_STYLE + PLOT_STYLE + CURVE_STYLE + STUDY_STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p class="quiet">drpo study</p>
          <h1>${title}</h1>
          <p class="note">${description}</p>
        </header>
        <main>
          <section>
            <h2>Findings</h2>
            <ul class="findings">
              ${findings.map(
                ({ claim, holds }) =>
                  html`<li class="${holds ? "holds" : "fails"}">
                    <span class="hidden">${holds ? "Holds:" : "Does not hold:"}</span> ${claim}
                  </li>`,
              )}
            </ul>
          </section>
          <section>
            <h2>Curves</h2>
            <div class="charts">${charts.map(curvesChart)}</div>
          </section>
          <section>
            <h2>Figures</h2>
            ${tables.map(tableHtml)}
          </section>
        </main>
      </body>
    </html>`;
  return `${page.markup}\n`;
};

const tableHtml = ({ caption, columns, rows }: StudyTable): Html =>
  html`<div class="scroll">
    <table class="figures">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cellText(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
