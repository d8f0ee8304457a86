import { NotOnServerError } from "../errors.js";
import type { StageCache } from "../ports/stage-cache.js";

/** A cache that finds and never computes: for commands that look at a finished run. */
export const readOnlyCache = (cache: StageCache): StageCache => ({
  getOrCompute: (request) =>
    cache.getOrCompute({
      ...request,
      compute: () => {
        throw new NotOnServerError(
          `The output of the ${request.stage} stage of this run is no longer in the cache. ` +
            `drpo train --resume --run-dir DIR computes it again.`,
        );
      },
    }),
});
