import { join } from "node:path";
import { packagedFile } from "../config/packaged-file.js";
import { EnvironmentError } from "../errors.js";
import { isExecutable } from "./find-python.js";
import { PACKAGE_ROOT } from "./package-root.js";

/**
 * The interpreter that has vLLM: the one named, else $DRPO_VLLM_PYTHON, else the package's .venv-vllm. It is never the
 * trainer's, whose packages are others.
 * @throws EnvironmentError if it is not there.
 */
export const findVllmPython = (
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string => {
  const python = option ?? (environment["DRPO_VLLM_PYTHON"] || join(PACKAGE_ROOT, ".venv-vllm", "bin", "python"));
  if (!python.includes("/") || isExecutable(python)) return python;
  throw new EnvironmentError(
    `No interpreter with vLLM at ${python}. Run ${packagedFile("scripts/setup-vllm")}, or set DRPO_VLLM_PYTHON to ` +
      "one that has it.",
  );
};
