import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { sweepPaths } from "../run/sweep-files.js";
import type { PlannedRun } from "./planned-run.js";
import { shellCommand, shellPreamble, shellWord } from "./shell-words.js";

/** Where a sweep is, and how `drpo` starts. */
export interface RunPlace {
  /** Of the sweep, absolute. */
  readonly directory: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `drpo`, before its arguments. */
  readonly program: readonly string[];
}

/** Placeholders of a command template and what stands for them. */
export type Placeholders = Readonly<Record<string, string>>;

/**
 * Writes jobs/RUN.sh, which starts the run wherever it is executed.
 * @param intoLog whether what the run says goes into its log at once; otherwise it is what the script says
 * @returns the placeholders of the run
 */
export async function writeRunScript(
  run: PlannedRun,
  address: string | null,
  { place, intoLog }: { readonly place: RunPlace; readonly intoLog: boolean },
): Promise<Placeholders> {
  const paths = sweepPaths(place.directory);
  const [log, script] = [paths.log(run.name), join(paths.jobs, `${run.name}.sh`)];
  const start = `exec ${shellCommand([...place.program, ...run.args(address)])}`;
  const lines = [...shellPreamble(place), ...(intoLog ? [`exec >>${shellWord(log)} 2>&1`] : []), start];
  await mkdir(paths.jobs, { recursive: true });
  await writeFileAtomically(script, `#!/bin/sh\n${lines.join("\n")}\n`);
  return { name: run.name, directory: run.path, log, script, command: lines.join("; ") };
}

/** Puts the values in, each as one word for the shell. */
export const fillCommand = (template: string, placeholders: Placeholders): string =>
  template.replaceAll(/(?<!\$)\{(\w+)\}/g, (whole, key: string) => {
    const value = placeholders[key];
    return value === undefined ? whole : shellWord(value);
  });
