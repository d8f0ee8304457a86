import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { ResetHereAnswer } from "../api.js";
import { BadInputError } from "../../errors.js";
import { meanAndSpread } from "../../math/mean-and-spread.js";
import type { ResetHere } from "../reset-here.js";
import type { RunLibrary } from "../reading/run-library.js";
import { findRollout, rolloutPlace, runOf } from "./find-in-request.js";

const bodySchema = rolloutPlace.extend({
  cut: z.number().int().min(0),
  policy: z.enum(["best", "last"]),
  number: z.number().int().min(1).max(64),
  temperature: z.number().positive().max(100).nullable(),
  seed: z.number().int().min(0),
});

/** POST /api/runs/ID/reset-here: fresh continuations from a state of a rollout. One request at a time has the server. */
export function serveResetHere(
  app: FastifyInstance,
  library: RunLibrary,
  resetHere: ResetHere | null,
  hint: string,
): void {
  let last: Promise<unknown> = Promise.resolve();
  app.post("/api/runs/:id/reset-here", async (request, reply): Promise<ResetHereAnswer> => {
    if (resetHere === null) throw new BadInputError(hint);
    const { cut, ...body } = bodySchema.parse(request.body);
    const run = await runOf(request, library);
    const line = await findRollout(run, body);
    const response = [...line.prefix, ...line.generated];
    if (cut > response.length) {
      throw new BadInputError(`The response has ${response.length} tokens: cut it after ${response.length} at most.`);
    }
    const abandoned = new AbortController();
    reply.raw.once("close", () => abandoned.abort());
    const { prompt, sourceId } = line;
    const asked = { ...body, prompt, sourceId, prefix: response.slice(0, cut), directory: run.directory };
    const turn = last.then(() => resetHere.continueFrom(asked, { signal: abandoned.signal }));
    last = turn.catch(() => undefined);
    const result = await turn;
    const { mean, standardDeviation } = meanAndSpread(result.continuations.map(({ score }) => score));
    return { ...result, original: line.score, mean, standardDeviation };
  });
}
