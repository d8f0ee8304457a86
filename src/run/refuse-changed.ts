import { BadInputError } from "../errors.js";

/**
 * A run goes on with the data, the base and the tokenizer that it began with, or not at all.
 * @param began hashes by name, when the run began
 * @param now those that are known now; one that the run did not have is no change
 * @throws BadInputError naming what changed
 */
export function refuseChanged(
  directory: string,
  began: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): void {
  const changed = Object.keys(now).filter((name) => (began[name] ?? now[name]) !== now[name]);
  if (changed.length === 0) return;
  throw new BadInputError(
    `Since the run in ${directory} began, its ${changed.join(" and ")} changed (recipe.json has the hashes). ` +
      "Put back what it was, or start a new run in another folder: drpo train RECIPE --run-dir DIR.",
  );
}
