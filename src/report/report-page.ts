import type { RunReading } from "../run/read-run.js";
import { curvesSection } from "./curves-section.js";
import { evaluationSection } from "./evaluation-section.js";
import type { ExamplePair } from "./example-pairs.js";
import { examplesSection } from "./examples-section.js";
import { html, Html } from "./html.js";
import { recordSection } from "./record-section.js";
import { REPORT_STYLE } from "./report-style.js";
import { runFacts } from "./run-summary.js";

// Nothing may be loaded and nothing may run, whatever a response holds.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole report: one document that loads nothing. */
export function reportPage(run: RunReading, examples: readonly ExamplePair[]): string {
  const { record, evaluation, metrics, lastCommit, problems } = run;
  const name = record.recipe["name"];
  const title = typeof name === "string" ? name : "run";
  const bestIteration = evaluation?.bestIteration ?? lastCommit?.best?.iteration ?? null;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · drpo report</title>
        <style>
          ${new Html(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p class="quiet">drpo report</p>
          <h1>${title}</h1>
          <dl class="facts">
            ${runFacts(run).map(
              (fact) =>
                html`<div>
                  <dt>${fact.name}</dt>
                  <dd>${fact.value}</dd>
                </div>`,
            )}
          </dl>
        </header>
        <main>
          ${problems.length === 0 ? null : problemsSection(problems)}
          ${
            evaluation
              ? evaluationSection(evaluation)
              : html`<section>
                  <h2>Result</h2>
                  <p>The run has no evaluation yet.</p>
                </section>`
          }
          ${examplesSection(examples)} ${curvesSection(metrics, bestIteration)} ${recordSection(record)}
        </main>
      </body>
    </html>`;
  return `${page.markup}\n`;
}

const problemsSection = (problems: readonly string[]): Html =>
  html`<section class="problems" role="alert">
    <h2>Not everything could be read</h2>
    <ul>
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ul>
  </section>`;
