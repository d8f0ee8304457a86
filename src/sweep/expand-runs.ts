import { jsonOrText } from "../config/apply-settings.js";
import type { SweepOptions, SweepRuns } from "../config/sweep.js";
import { drawValue } from "./draw-value.js";
import { nameSettings, type Settings } from "./name-settings.js";

/** One run of a sweep: a configuration with one seed. */
export interface ExpandedRun {
  /** Unique, and the name of its folder. */
  readonly name: string;
  /** The name without the seed: what runs are averaged over seeds by. */
  readonly configuration: string;
  /** Absolute path. */
  readonly recipe: string;
  /** `path=value`, as `drpo train --set` takes them. */
  readonly settings: readonly string[];
  /** Null: the recipe's own. */
  readonly seed: number | null;
}

/** The runs of a sweep, all configurations with the first seed first, so that what is compared with one another is early. */
export function expandRuns(sweep: SweepOptions): readonly ExpandedRun[] {
  const configurations = configurationsOf(sweep.runs);
  return (sweep.seeds ?? [null]).flatMap((seed) =>
    configurations.map(({ name, recipe, set }) => {
      const all = Object.entries({ ...sweep.set, ...set, ...(seed === null ? {} : { seed }) });
      return {
        name: seed === null ? name : `${name}-seed${seed}`,
        configuration: name,
        // loadSweep has seen to it that there is one.
        recipe: recipe ?? sweep.recipe!,
        settings: all.map(([path, value]) => `${path}=${settingText(value)}`),
        seed,
      };
    }),
  );
}

interface Configuration {
  readonly name: string;
  readonly recipe?: string | undefined;
  readonly set: Settings;
}

function configurationsOf(runs: SweepRuns): readonly Configuration[] {
  switch (runs.kind) {
    case "list":
      return runs.runs.map(({ name, recipe, set = {} }) => ({ name, recipe, set }));
    case "grid":
      return unique(
        combinations(Object.entries(runs.fields)).map((set) => ({
          name: nameSettings(set, Object.keys(runs.fields)) || "run",
          set,
        })),
      );
    case "random":
      return Array.from({ length: runs.count }, (_, i) => {
        const [draw, fields] = [i + 1, Object.entries(runs.fields)];
        const set = Object.fromEntries(
          fields.map(([field, distribution]) => [field, drawValue(distribution, { seed: runs.seed, draw, field })]),
        );
        return { name: `draw${draw}-${nameSettings(set, Object.keys(runs.fields))}`, set };
      });
  }
}

/** The same value given twice is one configuration. */
const unique = (configurations: readonly Configuration[]): readonly Configuration[] => [
  ...new Map(configurations.map((one) => [one.name, one])).values(),
];

/** Every combination of the values, the last field's changing first. */
const combinations = (fields: readonly (readonly [string, readonly unknown[]])[]): Settings[] =>
  fields.reduce<Settings[]>(
    (all, [field, values]) => all.flatMap((set) => values.map((value) => ({ ...set, [field]: value }))),
    [{}],
  );

/** As `--set` reads it back: a text that would be taken for a number or the like is quoted. */
const settingText = (value: unknown): string =>
  typeof value === "string" && jsonOrText(value) === value ? value : JSON.stringify(value);
