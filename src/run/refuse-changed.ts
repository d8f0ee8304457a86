import { BadInputError } from "../errors.js";
import type { RunRecord } from "./run-files.js";

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
      changed.flatMap((name) => WHAT_IT_IS[name] ?? []).join("") +
      "Put back what it was, or start a new run in another folder: drpo train RECIPE --run-dir DIR.",
  );
}

/** What a hash is of, where its name does not say it all. */
const WHAT_IT_IS: Readonly<Record<string, string>> = {
  base: "The base is its weights, config.json and end tokens (generation_config.json); where its folder is does not matter. ",
  tokenizer: "The tokenizer is its vocabulary, special tokens and chat templates. ",
};

/** @throws BadInputError for a run that an older version started, which recorded less of base and tokenizer */
export function refuseOlderRun(directory: string, record: RunRecord): void {
  if (record.directory !== undefined) return;
  throw new BadInputError(
    `The run in ${directory} was started by an older drpo (${record.versions["drpo"] ?? "of unknown version"}), which read texts ` +
      "in another way and did not record config.json, end tokens and chat templates of its base. Go on with it, or evaluate " +
      "it, with that version, or start a new run in another folder (drpo train RECIPE --run-dir DIR). drpo sample, export and report still read it.",
  );
}
