import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { BadInputError } from "../errors.js";
import type { StudyResult } from "./study.js";
import { studyMarkdown } from "./study-markdown.js";

/**
 * Makes a study's folder: before the study, which can take minutes.
 * @throws BadInputError if the path is a file's; EnvironmentError if the folder cannot be made
 */
export const makeStudyFolder = async (directory: string): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    if (fileErrorCode(error) === "EEXIST") throw new BadInputError(`${directory} is a file: choose another folder.`);
    throw fileError(error, `making the folder ${directory}`);
  }
};

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
