import { comparisonNote } from "./comparison-words.js";
import type { Comparison } from "./figures/comparisons.js";
import type { ResultsTable } from "./figures/results-table.js";
import { cellText } from "./format-cell.js";
import { markdownTable, markdownText } from "./markdown-table.js";
import { seedsText, statesText } from "./page/head-section.js";
import { resultsNote, resultTables, TEST_COLUMNS, testCells } from "./page/results-section.js";
import { settingRows } from "./page/settings-charts.js";
import { settingText } from "./page/configuration-section.js";
import type { Report } from "./report.js";
import type { ReportPicture } from "./report-pictures.js";

/**
 * The report's tables, tests and commands, for a paper's appendix or a pull request.
 * @param pictures that lie beside it
 */
export function reportMarkdown(report: Report, pictures: readonly ReportPicture[] = []): string {
  const { title, version, problems, results, comparisons, ablation, scaling } = report;
  const parts = [
    `# ${markdownText(title)}`,
    about(report),
    ...(problems.length === 0 ? [] : [`## Not everything could be read\n\n${list(problems)}`]),
    "## Results",
    ...(results.metrics.length === 0
      ? ["No run has an evaluation yet."]
      : [
          list(report.findings),
          ...resultTables(results).map(({ table }) => resultsMarkdown(table)),
          resultsNote(results),
        ]),
    ...(comparisons.length === 0 ? [] : [`## Paired tests`, testsMarkdown(comparisons)]),
    ...(ablation.length === 0 ? [] : ["## Reset proportion", settingMarkdown("Reset proportion", ablation)]),
    ...(scaling === null ? [] : ["## Size of the base", settingMarkdown("Base", scaling.metrics)]),
    ...(pictures.length === 0
      ? []
      : ["## Figures", ...pictures.map(({ name, title }) => `![${markdownText(title)}](${name})`)]),
    ...differences(report),
    ...commands(report),
    `drpo ${version}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

const list = (lines: readonly string[]): string => lines.map((line) => `- ${markdownText(line)}`).join("\n");

function about({ facts, groups, runs }: Report): string {
  const unfinished = runs.filter(({ status }) => status !== "done");
  return list([
    ...facts.map(({ name, value }) => `${name}: ${value}`),
    ...(runs.length > 1 ? [statesText(runs)] : []),
    ...(groups.length > 1 ? groups.map(({ label, seeds }) => `${label}: ${seedsText(seeds)}`) : []),
    ...unfinished.map(({ name, status, message }) => `${name} is ${status}${message === null ? "" : `: ${message}`}`),
  ]);
}

function resultsMarkdown({ metrics, rows }: ResultsTable): string {
  return markdownTable({
    columns: ["", "seeds", ...metrics.map(({ label, unit }) => `${label} (${unit})`)],
    rows: rows.map(({ label, seeds, cells }) => [
      ...[label, String(seeds.length)],
      ...cells.map((cell, i) => cellText(cell, metrics[i]!.style)),
    ]),
  });
}

const testsMarkdown = (comparisons: readonly Comparison[]): string =>
  [markdownTable({ columns: TEST_COLUMNS, rows: comparisons.map(testCells) }), comparisonNote(comparisons)].join(
    "\n\n",
  );

const settingMarkdown = (name: string, metrics: Report["ablation"]): string =>
  markdownTable({
    columns: [name, "group", ...metrics.map(({ metric }) => `${metric.label} (${metric.unit})`)],
    rows: settingRows(metrics).map(({ name: value, group, cells }) => [
      value,
      group,
      ...cells.map((cell, i) => cellText(cell, metrics[i]!.metric.style)),
    ]),
  });

function differences({ groups, differences: found }: Report): readonly string[] {
  if (found.length === 0) return [];
  const columns = ["setting", ...groups.map(({ label }) => label)];
  const rows = found.map(({ path, values }) => [path, ...values.map(settingText)]);
  return ["## Differences of configuration", markdownTable({ columns, rows, align: "left" })];
}

function commands({ runs }: Report): readonly string[] {
  const known = runs.flatMap(({ command }) => command ?? []);
  return known.length === 0 ? [] : ["## To run it again", `\`\`\`sh\n${known.join("\n")}\n\`\`\``];
}
