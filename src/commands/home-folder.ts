import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { EnvironmentError } from "../errors.js";

/**
 * The user's home folder, where it is needed: the empty string if one of the variables says where the files go.
 * @param variables that name another place, the one to advise first
 * @throws EnvironmentError if there is no home folder, as in containers whose user has no entry
 */
export function homeFolder(
  environment: Readonly<Record<string, string | undefined>>,
  variables: readonly [string, ...string[]],
): string {
  if (variables.some((name) => environment[name])) return "";
  const home = knownHome();
  if (isAbsolute(home)) return home;
  throw new EnvironmentError(
    `There is no home folder to keep files in (HOME is not set). Set ${variables[0]} to a folder that can be written.`,
  );
}

function knownHome(): string {
  try {
    return homedir();
  } catch {
    // The user has no entry in the system's list either.
    return "";
  }
}
