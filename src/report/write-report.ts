import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { BadInputError } from "../errors.js";
import { readReportedRuns } from "./read-reported-runs.js";
import { makeReport, type Report } from "./report.js";
import { reportMarkdown } from "./report-markdown.js";
import { reportPage } from "./report-page.js";

export interface ReportOptions {
  /** Runs, sweeps, and folders of either; absolute; at least one. */
  readonly directories: readonly string[];
  /** Where the report goes; made if it is not there. Left out: the folder itself, of which there must be one. */
  readonly to?: string | undefined;
  /** Of drpo. */
  readonly version: string;
}

export interface WrittenReport {
  /** Paths of report.html, report.md and report.json. */
  readonly page: string;
  readonly markdown: string;
  readonly figures: string;
  readonly report: Report;
}

/**
 * Writes report.html, report.md and report.json of runs, finished or not, from the runs' files and nothing else.
 * @throws BadInputError if no folder holds a run; CorruptStateError if the only one is damaged beyond reading (other
 * damage is named in the report); EnvironmentError if the report cannot be written
 */
export async function writeReport({ directories, to, version }: ReportOptions): Promise<WrittenReport> {
  const report = makeReport(await readReportedRuns(directories), version);
  const folder = to ?? directories[0]!;
  await makeFolder(folder);
  const paths = {
    page: join(folder, "report.html"),
    markdown: join(folder, "report.md"),
    figures: join(folder, "report.json"),
  };
  await writeFileAtomically(paths.page, reportPage(report));
  await writeFileAtomically(paths.markdown, reportMarkdown(report));
  await writeFileAtomically(paths.figures, `${JSON.stringify(report, null, 1)}\n`);
  return { ...paths, report };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (["EEXIST", "ENOTDIR"].includes(fileErrorCode(error) ?? ""))
      throw new BadInputError(`${folder} is a file: name a folder with --to.`);
    throw fileError(error, `making the folder ${folder}`);
  }
}
