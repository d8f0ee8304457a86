import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";

export const ROOT = resolve(import.meta.dirname, "../..");
const CLI = join(ROOT, "dist", "cli.js");

/** How a child process ended, and what it said, without the last line end. */
export interface Outcome {
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DrpoOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What it reads from standard input. */
  readonly input?: string;
}

export interface StartedDrpo {
  readonly ended: Promise<Outcome>;
  /** Resolves with the first match of what it says on standard output. @throws if it ends without */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the real command line as a child process. */
export function startDrpo(args: readonly string[], options: DrpoOptions = {}): StartedDrpo {
  buildOnce();
  return startNode([CLI, ...args], options);
}

/** Runs the real command line as a child process, to its end. */
export const runDrpo = (args: readonly string[], options: DrpoOptions = {}): Promise<Outcome> =>
  startDrpo(args, options).ended;

/** Starts Node as a child process. */
export function startNode(
  args: readonly string[],
  { cwd = ROOT, environment, input = "" }: DrpoOptions = {},
): StartedDrpo {
  const env = { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", ...environment };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const said = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = outcomeOf(child, said);
  return {
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said.stdout);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(({ stderr }) => reject(new Error(`it ended without saying ${String(pattern)}: ${stderr}`)));
      }),
    kill: (signal) => void child.kill(signal),
  };
}

const outcomeOf = (child: ChildProcess, said: { readonly stdout: string; readonly stderr: string }): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) =>
      resolve({ exitCode, stdout: said.stdout.replace(/\n$/, ""), stderr: said.stderr.replace(/\n$/, "") }),
    );
  });

let isBuilt = false;

/** Translates sources that are newer than what `npm run build` made of them; types are checked elsewhere. */
export function buildOnce(): void {
  if (isBuilt) return;
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  for (const name of sources.filter((one) => /\.(tsx?|css|svg)$/.test(one) && !one.endsWith(".d.ts"))) {
    const source = join(ROOT, "src", name);
    const target = join(ROOT, "dist", name.replace(/\.tsx?$/, ".js"));
    if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) continue;
    mkdirSync(dirname(target), { recursive: true });
    // Whole or not at all: other tests may be running the same file.
    writeFileSync(`${target}.${process.pid}`, translated(name, readFileSync(source, "utf8")));
    renameSync(`${target}.${process.pid}`, target);
  }
  isBuilt = true;
}

function translated(fileName: string, text: string): string {
  if (!/\.tsx?$/.test(fileName)) return text;
  const { ESNext: module } = ts.ModuleKind;
  const { ReactJSX: jsx } = ts.JsxEmit;
  const compilerOptions = { module, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
  // As src/dashboard/browser/tsconfig.json has it.
  const page = fileName.endsWith(".tsx") ? { jsx, jsxImportSource: "preact" } : {};
  return ts.transpileModule(text, { fileName, compilerOptions: { ...compilerOptions, ...page } }).outputText;
}
