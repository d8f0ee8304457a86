import { join } from "node:path";
import { makeFolder } from "../durable-files/writable-folder.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import type { StudyResult } from "./study.js";
import { studyMarkdown } from "./study-markdown.js";

/**
 * Makes a study's folder: before the study, which can take minutes.
 * @throws BadInputError if the path is a file's; EnvironmentError if the folder cannot be made
 */
export const makeStudyFolder = (directory: string): Promise<void> =>
  makeFolder({ path: directory, what: "the study", remedy: "name another with --to", isArgument: true });

/**
 * Writes a study's page (study.html), its tables (study.md) and its figures (figures.json).
 * @param directory made by `makeStudyFolder`
 * @returns the path of the page
 * @throws EnvironmentError if the folder cannot be written
 */
export const writeStudy = async (result: StudyResult, directory: string): Promise<string> => {
  const page = join(directory, "study.html");
  // Drawing takes longer to load than most commands take to run.
  const { studyPage } = await import("./study-page.js");
  await writeFileAtomically(page, studyPage(result));
  await writeFileAtomically(join(directory, "study.md"), studyMarkdown(result));
  await writeFileAtomically(join(directory, "figures.json"), `${JSON.stringify(result.figures, null, 2)}\n`);
  return page;
};
