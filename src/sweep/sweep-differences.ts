import type { StoredSweepRun } from "../run/sweep-files.js";

/**
 * What keeps a sweep from going on in a folder: runs that are gone or are others than when it began. Runs that were added
 * are no difference.
 * @returns a sentence each
 */
export function sweepDifferences(before: readonly StoredSweepRun[], now: readonly StoredSweepRun[]): readonly string[] {
  const byName = new Map(now.map((run) => [run.name, run]));
  return before.flatMap((old) => {
    const run = byName.get(old.name);
    if (!run) return [`${old.name}: was a run of this sweep, and is none now`];
    if (run.recipe !== old.recipe) return [`${old.name}: its recipe was ${old.recipe}, and is ${run.recipe} now`];
    const changed = settingDifferences(old.settings, run.settings);
    if (changed.length > 0) return [`${old.name}: ${changed.join("; ")}`];
    return run.recipeHash === old.recipeHash ? [] : [`${old.name}: ${old.recipe} says something else now`];
  });
}

function settingDifferences(before: readonly string[], now: readonly string[]): readonly string[] {
  const gone = before.filter((setting) => !now.includes(setting)).map((setting) => `${setting} is gone`);
  const added = now.filter((setting) => !before.includes(setting)).map((setting) => `${setting} is new`);
  return [...gone, ...added];
}
