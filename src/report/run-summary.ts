import { basename } from "node:path";
import type { RunReading } from "../run/read-run.js";

/** A line of the report's head. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** What was run, in a few lines; what an older recipe does not have is left out. */
export function runFacts({ record, journal, lastCommit, evaluation }: RunReading): readonly Fact[] {
  const { recipe, createdAt } = record;
  const text = (path: string): string | null => {
    const value = valueAt(recipe, path);
    return typeof value === "string" || typeof value === "number" ? String(value) : null;
  };
  const iterations = text("policy.iterations");
  const sessions = journal.filter(({ event }) => event === "opened").length;
  const facts: readonly (readonly [string, string | null])[] = [
    ["Method", method(recipe)],
    ["Base", nameOf(text("model.base"))],
    ["Data", dataNames(valueAt(recipe, "data.path"))],
    ["Response budget", withUnit(text("response.maxTokens"), "tokens")],
    ["Iterations", iterations && `${lastCommit?.iteration ?? 0} of ${iterations} committed`],
    ["Evaluated checkpoint", evaluation && `iteration ${evaluation.bestIteration}`],
    ["Rollouts an iteration", text("policy.rolloutsPerIteration")],
    ["KL coefficient", text("policy.klCoef")],
    ["Seed", text("seed")],
    ["Started", `${createdAt.slice(0, 16).replace("T", " ")} UTC`],
    ["Sessions", sessions > 1 ? `${sessions}, resumed ${sessions === 2 ? "once" : `${sessions - 1} times`}` : null],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

/** "DR-PO: ppo from dataset resets (proportion 1)". */
function method(recipe: Readonly<Record<string, unknown>>): string | null {
  if (valueAt(recipe, "policy.kind") === "dpo") return "DPO, offline";
  const algorithm = valueAt(recipe, "policy.algorithm.kind");
  const proportion = valueAt(recipe, "policy.reset.proportion");
  if (typeof algorithm !== "string" || typeof proportion !== "number") return null;
  const name = algorithm.toUpperCase();
  return proportion === 0 ? `${name}, no resets` : `DR-PO: ${name} with dataset resets, proportion ${proportion}`;
}

/** The last name of a path; the configuration has the whole. */
const nameOf = (path: string | null): string | null => path && basename(path);

/** A path, or several. */
function dataNames(path: unknown): string | null {
  const paths = (Array.isArray(path) ? path : [path]).filter((one): one is string => typeof one === "string");
  return paths.length === 0 ? null : paths.map((one) => basename(one)).join(", ");
}

const withUnit = (value: string | null, unit: string): string | null => value && `${value} ${unit}`;

/** The value at a dotted path; undefined if there is none. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
      value,
    );
}
