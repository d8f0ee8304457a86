import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { packagedFile } from "../config/packaged-file.js";
import { EnvironmentError } from "../errors.js";
import { PACKAGE_ROOT } from "./package-root.js";

export const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * The interpreter to run the server with: the recipe's `server.python`, else $DRPO_PYTHON, else the package's .venv, else
 * python3 on PATH. One that was named is taken or refused, never replaced by another.
 * @throws EnvironmentError if the named file is not there.
 */
export const findPython = (
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string => {
  const named = [
    { value: option, by: "server.python" },
    { value: environment["DRPO_PYTHON"], by: "DRPO_PYTHON" },
  ].find(({ value }) => value);
  if (named?.value !== undefined) {
    const isPath = named.value.includes("/");
    if (!isPath || isExecutable(named.value)) return named.value;
    throw new EnvironmentError(
      `${named.by}: no Python interpreter at ${named.value}. Correct it, or run ${packagedFile("scripts/setup")}.`,
    );
  }
  const own = join(PACKAGE_ROOT, ".venv", "bin", "python");
  return isExecutable(own) ? own : "python3";
};
