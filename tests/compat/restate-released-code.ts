import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OnlineOptions } from "../../src/config/policy.js";
import type { TokenIds } from "../../src/domain/token-ids.js";
import type { PpoOptions } from "../../src/drpo/algorithms/ppo.js";
import { Random } from "../../src/math/random.js";
import { seedAt } from "../../src/math/seeds.js";
import { readSafetensors } from "./read-safetensors.js";
import { checkpointBefore } from "./record-algorithm.js";
import { PYTHON, type ReleasedRun } from "./run-released-recipe.js";

type Models<Name extends string> = Readonly<Record<Name, string>>;
type PerToken = readonly (readonly number[])[];

/** What restate_released_code.py is given; files are safetensors. */
interface RestatementRequest {
  readonly base: string;
  /** alpha / rank of every adapter. */
  readonly scale: number;
  readonly budget: number;
  readonly endToken: number;
  readonly proportion: number;
  readonly references: readonly unknown[];
  /** Of each row: which reference, whether it is reset, where it is cut. */
  readonly uniforms: readonly (readonly number[])[];
  readonly generated: readonly TokenIds[];
  /** Order of the rows in each epoch. */
  readonly orders: readonly (readonly number[])[];
  readonly weights: Models<"policy" | "critic" | "reference" | "reward-model">;
  readonly moments: Models<"policy" | "critic">;
  readonly learningRates: { readonly policy: number; readonly critic: number };
}

/** What it answers; see there. Per-token arrays are [rows][budget]. */
export interface Restatement {
  readonly signal: {
    readonly prefixes: readonly TokenIds[];
    readonly forced: readonly (readonly boolean[])[];
    readonly scores: readonly number[];
  } & Readonly<Record<"logprobs" | "referenceLogprobs" | "values" | "rewards" | "advantages" | "returns", PerToken>>;
  /** Of each epoch; the shares of ratios and of values that are clipped beside them. */
  readonly losses: readonly Readonly<Record<"policy" | "value" | "clipped" | "valueClipped", number>>[];
  readonly gradients: readonly ReadonlyMap<string, Float64Array>[];
  readonly weights: readonly ReadonlyMap<string, Float64Array>[];
}

/** An iteration of a run as the re-statement in Python works it out, from what was random and the weights before it. */
export const restateIteration = (run: ReleasedRun, iteration: number): Restatement =>
  restate(requestOf(run, iteration));

function requestOf({ recipe, ...run }: ReleasedRun, iteration: number): RestatementRequest {
  const { context, rollouts } = run.updates[iteration]!;
  const policy = recipe.policy as OnlineOptions<PpoOptions>;
  const rows = rollouts.map((_, row) => row);
  const uniformsOf = (row: number) => {
    const random = new Random(seedAt(context.seed, "reset", iteration, row));
    return [random.next(), random.next(), random.next()];
  };
  const orderIn = (epoch: number) => new Random(seedAt(context.seed, "minibatch", iteration, epoch)).shuffled(rows);
  const before = (name: string) => run.file(checkpointBefore(iteration), `${name}.safetensors`);
  const shape = recipe.model.shape as { readonly rank: number; readonly alpha: number };
  return {
    ...{ base: run.base, scale: shape.alpha / shape.rank, endToken: run.eosTokenId },
    ...{ budget: recipe.response.maxTokens, proportion: policy.reset.proportion },
    references: run.groups.map(({ reference }) => reference),
    uniforms: rows.map(uniformsOf),
    generated: rollouts.map(({ generated }) => generated),
    orders: Array.from({ length: policy.algorithm.epochs }, (_, epoch) => orderIn(epoch)),
    weights: {
      ...{ policy: before("policy"), critic: before("critic"), reference: before("reference") },
      "reward-model": run.rewardModelFile,
    },
    moments: { policy: before("policy.optimizer"), critic: before("critic.optimizer") },
    learningRates: {
      policy: policy.optimizer.learningRate,
      critic: policy.algorithm.criticOptimizer.learningRate,
    },
  };
}

function restate(request: RestatementRequest): Restatement {
  const folder = mkdtempSync(join(tmpdir(), "drpo-restated-"));
  try {
    const file = join(folder, "request.json");
    writeFileSync(file, JSON.stringify(request));
    const program = fileURLToPath(new URL("restate_released_code.py", import.meta.url));
    execFileSync(PYTHON, [program, file, folder], { stdio: "pipe" });
    const json = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as unknown;
    const tensors = (name: string) =>
      request.orders.map((_, epoch) => readSafetensors(join(folder, `epoch-${epoch}-${name}.safetensors`)));
    return {
      signal: json("signal") as Restatement["signal"],
      losses: json("losses") as Restatement["losses"],
      gradients: tensors("gradients"),
      weights: tensors("weights"),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
