import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import ts from "typescript";

export const ROOT = resolve(import.meta.dirname, "../..");
const CLI = join(ROOT, "dist", "cli.js");

/** How a child process ended, and what it said. */
export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DrpoOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Starts the real command line as a child process. */
export function startDrpo(args: readonly string[], { cwd, environment, input = "" }: DrpoOptions = {}) {
  buildOnce();
  const env = { NODE_OPTIONS: "", NO_COLOR: "1", ...environment };
  return execa(process.execPath, [CLI, ...args], { cwd: cwd ?? ROOT, env, input, reject: false });
}

/** Runs the real command line as a child process, to its end. */
export async function runDrpo(args: readonly string[], options: DrpoOptions = {}): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await startDrpo(args, options);
  return { exitCode, stdout, stderr };
}

let isBuilt = false;

/** Translates sources that are newer than what `npm run build` made of them; types are checked elsewhere. */
export function buildOnce(): void {
  if (isBuilt) return;
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  for (const name of sources.filter((one) => one.endsWith(".ts") && !one.endsWith(".d.ts"))) {
    const source = join(ROOT, "src", name);
    const target = join(ROOT, "dist", name.replace(/\.ts$/, ".js"));
    if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) continue;
    const { outputText } = ts.transpileModule(readFileSync(source, "utf8"), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
    });
    mkdirSync(dirname(target), { recursive: true });
    // Whole or not at all: other tests may be running the same file.
    writeFileSync(`${target}.${process.pid}`, outputText);
    renameSync(`${target}.${process.pid}`, target);
  }
  isBuilt = true;
}
