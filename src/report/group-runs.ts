import { basename } from "node:path";
import { flattenRecipe } from "../config/flatten-recipe.js";
import { mayDiffer } from "../run/recipe-differences.js";
import { methodName, resetProportion } from "./method-name.js";
import { parametersInName } from "./parameters-in-name.js";
import type { ReportedRun } from "./reported-run.js";
import { valueAt } from "./run-summary.js";

/** Runs whose configurations differ only in their seeds. */
export interface RunGroup {
  readonly label: string;
  /** Of its curves; groups have different ones. */
  readonly colour: number;
  readonly method: string;
  /** Null where nothing is rolled out. */
  readonly resetProportion: number | null;
  /** By seed, each seed once. At least one. */
  readonly runs: readonly ReportedRun[];
  /** Groups with the same one begin with the same SFT, and are measured alike. */
  readonly start: string;
  /** Weights of the base, by its name or by the recipe's; null if they do not say. */
  readonly size: number | null;
  /** Path -> value: everything that makes a configuration, written out. */
  readonly settings: ReadonlyMap<string, unknown>;
}

export interface Grouping {
  readonly groups: readonly RunGroup[];
  /** Runs that repeat another one's configuration and seed, a sentence each. */
  readonly problems: readonly string[];
}

/** Of the curves' colours, without the grey of what is no group. */
const COLOURS = [0, 1, 2, 3, 4, 6, 7, 8, 9] as const;

/** Sorts runs into groups: DPO, then by method, without resets first, by rising reset proportion. */
export function groupRuns(runs: readonly ReportedRun[]): Grouping {
  const byKey = new Map<string, ReportedRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([...configuration(run)]);
    byKey.set(key, [...(byKey.get(key) ?? []), run]);
  }
  const problems: string[] = [];
  const unlabelled = [...byKey.values()].map((same) => {
    const recipe = same[0]!.record.recipe;
    const settings = configuration(same[0]!);
    return {
      ...{ method: methodName(recipe), resetProportion: resetProportion(recipe) },
      ...{ runs: oncePerSeed(same, problems), settings, start: JSON.stringify([...startOf(settings)]) },
      size: sizeOf(recipe),
    };
  });
  const groups = unlabelled.map((group) => ({ ...group, label: groupLabel(group, unlabelled) }));
  const order = groups.sort(
    (a, b) => place(a) - place(b) || (a.size ?? 0) - (b.size ?? 0) || collator.compare(a.label, b.label),
  );
  return {
    groups: withDistinctLabels(order).map((group, i) => ({ ...group, colour: COLOURS[i % COLOURS.length]! })),
    problems,
  };
}

const START = /^(model|data|response|sft|reward|evaluation)\b/;

/** All that SFT's own figures depend on. */
export const startOf = (settings: RunGroup["settings"]): RunGroup["settings"] =>
  new Map([...settings].filter(([path]) => START.test(path)));

/** A recipe without what its runs may differ in: names, seeds, and how a server is reached. */
function configuration({ record }: ReportedRun): ReadonlyMap<string, unknown> {
  const settings = [...flattenRecipe(record.recipe)];
  return new Map(
    settings
      .filter(([path]) => path !== "name" && path.split(".").at(-1) !== "seed" && !mayDiffer(path))
      .map(([path, value]) => [path, withoutSeeds(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Lists are leaves of a recipe; the rewards in one have seeds of their own. */
function withoutSeeds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSeeds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "seed")
      .map(([key, inner]) => [key, withoutSeeds(inner)]),
  );
}

const sizeOf = (recipe: Readonly<Record<string, unknown>>): number | null =>
  parametersInName(String(valueAt(recipe, "model.base"))) ?? parametersInName(String(recipe["name"]));

/** Of runs with one seed, the first that is through; the others are named. */
function oncePerSeed(runs: readonly ReportedRun[], problems: string[]): readonly ReportedRun[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  return seeds.map((seed) => {
    const same = runs.filter((run) => run.seed === seed);
    const kept = same.find(({ evaluation }) => evaluation !== null) ?? same[0]!;
    for (const other of same.filter((run) => run !== kept)) {
      problems.push(
        `${other.directory} repeats configuration and seed of ${kept.directory} and is left out. Name one of them only.`,
      );
    }
    return kept;
  });
}

type Unlabelled = Omit<RunGroup, "label" | "colour">;
const MAX_NAMED_SETTINGS = 2;

/** The method, and in what the group differs from the others of its method. */
function groupLabel(group: Unlabelled, all: readonly Unlabelled[]): string {
  const alike = all.filter(({ method }) => method === group.method);
  const differing = differingSettings(alike).filter((path) => group.settings.has(path));
  const names = new Set(alike.map(({ runs }) => runs[0]!.record.recipe["name"]));
  const name = group.runs[0]!.record.recipe["name"];
  if (differing.length > MAX_NAMED_SETTINGS && names.size === alike.length && typeof name === "string")
    return `${group.method}, ${name}`;
  const named = differing
    .sort((a, b) => Number(b === PROPORTION) - Number(a === PROPORTION))
    .slice(0, MAX_NAMED_SETTINGS)
    .map((path) => (path === PROPORTION ? `${String(group.settings.get(path))}` : settingText(path, group.settings)));
  return [group.method + (differing.includes(PROPORTION) ? ` ${named.shift()!}` : ""), ...named].join(", ");
}

const PROPORTION = "policy.reset.proportion";

export const settingText = (path: string, settings: RunGroup["settings"]): string => {
  const value = settings.get(path);
  return `${path.split(".").at(-1)!} ${typeof value === "string" ? basename(value) : JSON.stringify(value)}`;
};

/** Paths at which some of the groups that have such a setting differ: what only one method has is no difference. */
export function differingSettings(groups: readonly Pick<RunGroup, "settings">[]): string[] {
  const paths = [...new Set(groups.flatMap(({ settings }) => [...settings.keys()]))];
  return paths.filter((path) => {
    const having = groups.filter(({ settings }) => settings.has(path));
    return new Set(having.map(({ settings }) => JSON.stringify(settings.get(path)))).size > 1;
  });
}

const collator = new Intl.Collator("en", { numeric: true });

function place({ method, resetProportion: proportion }: Unlabelled): number {
  if (method === "DPO") return -1;
  return proportion ?? 0;
}

function withDistinctLabels<Group extends { readonly label: string }>(groups: readonly Group[]): Group[] {
  const seen = new Map<string, number>();
  return groups.map((group) => {
    const before = seen.get(group.label) ?? 0;
    seen.set(group.label, before + 1);
    return before === 0 ? group : { ...group, label: `${group.label} (${before + 1})` };
  });
}
