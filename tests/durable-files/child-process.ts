import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A Node process that runs a module's text. */
export interface Child {
  readonly pid: number;
  /** The next line that it prints; rejects with what it wrote to standard error if it ends first. */
  nextLine(): Promise<string>;
  /** Resolves when it has ended. @returns its exit code, null if a signal ended it */
  ended(): Promise<number | null>;
  write(text: string): void;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export function startChild(module: string): Child {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", module], { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, "exit") as Promise<[number | null]>;
  return {
    pid: child.pid!,
    async nextLine() {
      const line: IteratorResult<string, unknown> = await lines.next();
      if (line.done === true) throw new Error(`the child ended without a line: ${errors}`);
      return line.value;
    },
    ended: async () => (await exit)[0],
    write: (text) => void child.stdin.write(text),
    async kill(signal) {
      child.kill(signal);
      await exit;
    },
  };
}
