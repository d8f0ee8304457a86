import { join } from "node:path";
import { makeFolder, refuseUnwritable } from "../durable-files/writable-folder.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { readReportedRuns } from "./read-reported-runs.js";
import { makeReport, type Report } from "./report.js";
import { reportMarkdown } from "./report-markdown.js";
import { reportPage } from "./report-page.js";
import { reportPictures } from "./report-pictures.js";
import { withRelativePaths } from "./with-relative-paths.js";

export interface ReportOptions {
  /** Runs, sweeps, and folders of either; absolute; at least one. */
  readonly directories: readonly string[];
  /** Where the report goes; made if it is not there. Left out: the folder itself, of which there must be one. */
  readonly to?: string | undefined;
  /** Of drpo. */
  readonly version: string;
  /** Absolute: what is below it is shown by its path from there. Left out: paths are absolute. */
  readonly relativeTo?: string | undefined;
  /** Also the paper's figures as SVG files, which the Markdown shows. */
  readonly withPictures?: boolean | undefined;
}

export interface WrittenReport {
  /** Paths of report.html, report.md and report.json. */
  readonly page: string;
  readonly markdown: string;
  readonly figures: string;
  readonly pictures: readonly string[];
  readonly report: Report;
}

/**
 * Writes report.html, report.md and report.json of runs, finished or not, from the runs' files and nothing else.
 * @throws BadInputError if no folder holds a run; CorruptStateError if the only one is damaged beyond reading (other
 * damage is named in the report); EnvironmentError if the report cannot be written
 */
export async function writeReport(options: ReportOptions): Promise<WrittenReport> {
  const { directories, to, version, relativeTo, withPictures = false } = options;
  const folder = to ?? directories[0]!;
  const wanted = { path: folder, what: "the report", remedy: "name another with --to", isArgument: true };
  await refuseUnwritable([wanted]);
  const whole = makeReport(await readReportedRuns(directories), version);
  const report = relativeTo === undefined ? whole : withRelativePaths(whole, relativeTo);
  const pictures = withPictures ? reportPictures(report) : [];
  await makeFolder(wanted);
  const write = async (name: string, content: string): Promise<string> => {
    await writeFileAtomically(join(folder, name), content);
    return join(folder, name);
  };
  return {
    page: await write("report.html", reportPage(report)),
    markdown: await write("report.md", reportMarkdown(report, pictures)),
    figures: await write("report.json", `${JSON.stringify(report)}\n`),
    pictures: await Promise.all(pictures.map(({ name, svg }) => write(name, svg))),
    report,
  };
}
