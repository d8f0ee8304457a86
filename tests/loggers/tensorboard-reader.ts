import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { PYTHON } from "../commands/tiny-project.js";
import { ROOT } from "../commands/run-drpo.js";

/** What TensorBoard knows of a run. */
export interface TensorboardView {
  /** By tag. Wall times in seconds. */
  readonly scalars: Readonly<Record<string, readonly (readonly [step: number, wallTime: number, value: number])[]>>;
  readonly text: Readonly<Record<string, readonly string[]>>;
  readonly hparams: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** TensorBoard's own reader, watching a folder. */
export interface TensorboardReader {
  /** Reads what is new. */
  reload(): Promise<TensorboardView>;
  close(): void;
}

export function watchTensorboard(folder: string): TensorboardReader {
  const script = join(ROOT, "tests", "loggers", "read_tensorboard.py");
  const child = spawn(PYTHON, [script, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async reload() {
      child.stdin.write("\n");
      const line: IteratorResult<string, unknown> = await lines.next();
      if (line.done) throw new Error("the reader ended");
      return JSON.parse(line.value) as TensorboardView;
    },
    close: () => child.stdin.end(),
  };
}

/** A folder read once, from its beginning. */
export async function readTensorboard(folder: string): Promise<TensorboardView> {
  const reader = watchTensorboard(folder);
  try {
    return await reader.reload();
  } finally {
    reader.close();
  }
}
