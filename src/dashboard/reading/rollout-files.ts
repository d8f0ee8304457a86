import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { NotFoundError } from "../not-found-error.js";
import type { RolloutRange } from "../api.js";
import { fileStamp } from "./file-stamp.js";
import { type RolloutLine, rolloutLineSchema } from "./rollout-line.js";

/** Iterations whose rollouts stay in memory, the latest that were looked at. */
const KEPT = 4;

/** The rollouts of one iteration. */
export interface IterationRollouts {
  readonly iteration: number;
  readonly lines: readonly RolloutLine[];
  /** What is wrong with the file, a sentence each. */
  readonly problems: readonly string[];
}

interface KeptIteration {
  readonly stamp: string;
  readonly rollouts: IterationRollouts;
}

/** rollouts/ of a run: names are listed when the folder has changed, and a file is read when somebody looks into it. */
export class RolloutFiles {
  private listing: { readonly stamp: string; readonly iterations: readonly number[] } = { stamp: "", iterations: [] };
  private readonly kept = new Map<number, KeptIteration>();

  constructor(
    private readonly folder: string,
    private readonly onRead: (bytes: number) => void,
  ) {}

  /** Another one whenever a file came or went. */
  stamp(): Promise<string> {
    return fileStamp(this.folder);
  }

  /** Which iterations there are; null before the first. */
  async range(): Promise<RolloutRange | null> {
    const iterations = await this.iterations();
    const [first, last] = [iterations[0], iterations.at(-1)];
    return first === undefined ? null : { first, last: last!, count: iterations.length };
  }

  /** The nearest iterations before and after this one that have rollouts. */
  async neighbours(iteration: number): Promise<{ readonly previous: number | null; readonly next: number | null }> {
    const iterations = await this.iterations();
    return {
      previous: iterations.findLast((other) => other < iteration) ?? null,
      next: iterations.find((other) => other > iteration) ?? null,
    };
  }

  /** @throws NotFoundError if the iteration has no rollouts */
  async read(iteration: number): Promise<IterationRollouts> {
    const path = join(this.folder, `${String(iteration).padStart(6, "0")}.jsonl`);
    const stamp = await fileStamp(path);
    if (stamp === "") throw new NotFoundError(`Iteration ${iteration} of this run has no rollouts.`);
    const before = this.kept.get(iteration);
    const now = before?.stamp === stamp ? before : { stamp, rollouts: await this.readFile(iteration, path) };
    // The last that was looked at is the last to go.
    this.kept.delete(iteration);
    this.kept.set(iteration, now);
    for (const old of [...this.kept.keys()].slice(0, -KEPT)) this.kept.delete(old);
    return now.rollouts;
  }

  /** Lets go of what was read. */
  release(): void {
    this.kept.clear();
    this.listing = { stamp: "", iterations: [] };
  }

  private async iterations(): Promise<readonly number[]> {
    const stamp = await this.stamp();
    if (stamp === "") return [];
    if (stamp !== this.listing.stamp) {
      const names = (await readdir(this.folder)).filter((name) => /^\d+\.jsonl$/.test(name));
      this.listing = { stamp, iterations: names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b) };
    }
    return this.listing.iterations;
  }

  private async readFile(iteration: number, path: string): Promise<IterationRollouts> {
    const content = await readFile(path);
    this.onRead(content.length);
    const texts = content.toString("utf8").split("\n");
    const lines: RolloutLine[] = [];
    const damaged: number[] = [];
    for (const [index, text] of texts.entries()) {
      if (text === "") continue;
      const line = rolloutLineSchema.safeParse(parsed(text)).data;
      if (line) lines.push(line);
      else damaged.push(index + 1);
    }
    return { iteration, lines, problems: damaged.map((line) => `${path}:${line}: the line is no rollout.`) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
