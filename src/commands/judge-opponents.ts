import { basename, resolve } from "node:path";
import type { EvaluationRows, Opponent } from "../domain/evaluation.js";
import { BadInputError } from "../errors.js";
import { readEvaluationRows } from "../run/read-evaluation.js";
import type { Responses } from "../stages/evaluation/judge-responses.js";

/** Opponents that are in the run itself. */
const OWN = ["sft", "reference"] as const;

/**
 * The responses of each opponent, by its name: those of the run itself, or the policy of another run.
 * @param against "sft", "reference", or a run directory
 * @throws BadInputError if an opponent has no responses, or answers other prompts, or two have one name
 */
export async function readOpponents(
  against: readonly string[],
  own: Pick<EvaluationRows, "policy" | "sft" | "reference">,
  cwd: string,
): Promise<ReadonlyMap<Opponent, Responses>> {
  const opponents = new Map<Opponent, Responses>();
  for (const one of against) {
    const ownName = OWN.find((name) => name === one);
    const name = ownName ?? basename(resolve(cwd, one));
    if (opponents.has(name) || (!ownName && OWN.some((reserved) => reserved === name))) {
      throw new BadInputError(`--against ${one}: another opponent is called ${name}, too; rename the run's folder.`);
    }
    const responses = ownName ? own[ownName] : await policyOf(resolve(cwd, one), one);
    if (responses.length === 0) {
      throw new BadInputError(`--against ${one}: the run's evaluation has no such responses.`);
    }
    refuseOtherPrompts(own.policy, responses, one);
    opponents.set(name, responses);
  }
  return opponents;
}

async function policyOf(directory: string, given: string): Promise<Responses> {
  const { policy } = await readEvaluationRows(directory);
  if (policy.length > 0) return policy;
  throw new BadInputError(
    `--against ${given}: it is "sft", "reference" or the folder of a run that was evaluated; ${directory} has no ` +
      "evaluation/policy.jsonl.",
  );
}

/** A comparison is fair only where both answer the same. */
function refuseOtherPrompts(policy: Responses, opponent: Responses, given: string): void {
  const prompts = new Map(opponent.map(({ row, prompt }) => [row, prompt]));
  const both = policy.filter(({ row }) => prompts.has(row));
  const different = both.find(({ row, prompt }) => prompts.get(row) !== prompt);
  if (both.length > 0 && !different) return;
  const why = different ? `row ${different.row} answers another prompt` : "they have no row in common";
  throw new BadInputError(
    `--against ${given}: ${why}. Both runs must be evaluated on the same prompts: the same data, held-out share and seed.`,
  );
}
