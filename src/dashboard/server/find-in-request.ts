import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { RolloutName } from "../api.js";
import type { FollowedRun } from "../reading/followed-run.js";
import type { RolloutLine } from "../reading/rollout-line.js";
import type { RunLibrary } from "../reading/run-library.js";
import { NotFoundError } from "../not-found-error.js";

const whole = z.coerce.number().int().min(0);

/** Names a rollout, in an address or in a body. */
export const rolloutPlace = z.object({ iteration: whole, row: whole, continuation: whole });

/** The run that an address names; a new one may have come since the last look. @throws NotFoundError */
export async function runOf({ params }: FastifyRequest, library: RunLibrary): Promise<FollowedRun> {
  const { id } = params as { readonly id: string };
  if (library.get(id) === null) await library.discover();
  const run = library.get(id);
  if (run === null) throw new NotFoundError(`There is no run "${id}" here. It may have been moved or deleted.`);
  return run;
}

/** @throws NotFoundError */
export async function findRollout(
  run: FollowedRun,
  { iteration, row, continuation }: RolloutName,
): Promise<RolloutLine> {
  const { lines } = await run.rollouts.read(iteration);
  const line = lines.find((one) => one.row === row && one.continuation === continuation);
  if (line) return line;
  throw new NotFoundError(`Iteration ${iteration} has no rollout ${row}, continuation ${continuation}.`);
}
