import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Overview, RolloutDetail, RolloutPage } from "../api.js";
import { rolloutDetail } from "../reading/rollout-detail.js";
import { rolloutPage } from "../reading/rollout-page.js";
import type { FollowedRun } from "../reading/followed-run.js";
import type { RunLibrary } from "../reading/run-library.js";
import { findRollout, rolloutPlace, runOf } from "./find-in-request.js";

const whole = z.coerce.number().int();

/** A name that is given once is a list of one. */
const names = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat())
  .optional();

const curvesQuery = z.object({
  from: whole.default(0),
  to: whole.default(Number.MAX_SAFE_INTEGER - 1),
  buckets: whole.min(1).max(2_000).default(200),
  smoothing: z.coerce.number().min(0).max(0.999).default(0),
  stage: names,
  name: names,
});

const rolloutsQuery = z.object({
  iteration: whole.min(0),
  order: z.enum(["row", "score", "kl", "tokens", "prefix"]).default("row"),
  descending: z.enum(["true", "false"]).default("false"),
  search: z.string().max(1_000).default(""),
  offset: whole.min(0).default(0),
  limit: whole.min(1).max(200).default(50),
});

/** What the page reads: runs, their curves and their rollouts. */
export function serveRuns(app: FastifyInstance, library: RunLibrary, overview: Overview): void {
  app.get("/api/overview", () => overview);
  app.get("/api/runs", async () => {
    await library.discover();
    for (const run of library.all) await library.refresh(run);
    return library.summaries;
  });
  app.get("/api/runs/:id", async (request) => (await runOf(request, library)).detail());
  app.get("/api/runs/:id/curves", async (request) => {
    const { stage, name, ...range } = curvesQuery.parse(request.query);
    const run = await runOf(request, library);
    const curves = await run.curves({ ...range, names: name }, stage);
    library.touch(run);
    return curves;
  });
  app.get("/api/runs/:id/rollouts", async (request) =>
    pageOf(await runOf(request, library), rolloutsQuery.parse(request.query)),
  );
  app.get("/api/runs/:id/rollouts/:iteration/:row/:continuation", async (request): Promise<RolloutDetail> => {
    const run = await runOf(request, library);
    const place = rolloutPlace.parse(request.params);
    return rolloutDetail(place.iteration, await findRollout(run, place), run.promptText);
  });
}

async function pageOf(run: FollowedRun, query: z.infer<typeof rolloutsQuery>): Promise<RolloutPage> {
  const { iteration, offset } = query;
  const { lines, problems } = await run.rollouts.read(iteration);
  const range = (await run.rollouts.range())!;
  const page = rolloutPage(lines, { ...query, descending: query.descending === "true" });
  const neighbours = await run.rollouts.neighbours(iteration);
  return { iteration, range, ...neighbours, total: lines.length, ...page, offset, problems };
}
