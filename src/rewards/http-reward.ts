import { z } from "zod";
import { EnvironmentError } from "../errors.js";
import { type Endpoint, excerpt, nameOf, refuseUnsendableToken } from "../http/endpoint.js";
import { postJson } from "../http/post-json.js";
import type { Clock } from "../ports/clock.js";
import type { RewardFunction, ScorableResponse } from "../ports/reward-function.js";
import { atTheSameTime } from "./at-the-same-time.js";
import type { HttpRewardOptions } from "./http-reward-options.js";

const ADVICE: Endpoint["advice"] = {
  unanswered: "Check that the verifier runs and keeps up (batchSize, concurrency, timeoutMs).",
  unauthorised: "Name the environment variable with its token in tokenEnv.",
  refused: "Correct the url, or the verifier.",
};

const answerSchema = z.object({ scores: z.array(z.number()) });

/**
 * Scores by a verifier behind HTTP: see httpRewardOptions for what goes over the wire.
 * @param source.token sent as Authorization: Bearer
 * @param source.where place in the recipe, for messages: "reward"
 * @param source.random uniform in [0, 1), for the jitter of retries
 * @throws BadInputError for a token that cannot be sent; (from score) as postJson does, and EnvironmentError for an answer that is not one number a response
 */
export function createHttpReward(
  options: HttpRewardOptions,
  source: {
    readonly token: string | undefined;
    readonly where: string;
    readonly clock: Clock;
    readonly random?: () => number;
  },
): RewardFunction {
  const { url, timeoutMs, maxAttempts, batchSize, concurrency } = options;
  refuseUnsendableToken(source.token, source.where);
  const endpoint = { random: Math.random, ...source, url, timeoutMs, maxAttempts, advice: ADVICE };
  return {
    dependsOn: null,
    async score(responses, { signal, onProgress } = {}) {
      const batches = Array.from({ length: Math.ceil(responses.length / batchSize) }, (_, i) =>
        responses.slice(i * batchSize, (i + 1) * batchSize),
      );
      let done = 0;
      const scores = await atTheSameTime(batches, { concurrency, signal }, async (batch, stop) => {
        const scored = await scoreBatch(endpoint, batch, stop);
        onProgress?.((done += batch.length), responses.length);
        return scored;
      });
      return scores.flat();
    },
  };
}

async function scoreBatch(
  endpoint: Endpoint,
  batch: readonly ScorableResponse[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  const responses = batch.map(({ promptText, responseText, ended, sourceId }) => ({
    ...{ prompt: promptText, response: responseText, ended },
    ...(sourceId === null ? {} : { id: sourceId }),
  }));
  const body = await postJson(endpoint, { responses }, { read: (value) => ({ value }), signal });
  const { data } = answerSchema.safeParse(jsonOrNothing(body));
  const found = data ? `${data.scores.length} scores` : excerpt(body, endpoint.token);
  if (data?.scores.length !== batch.length) {
    throw new EnvironmentError(
      `${nameOf(endpoint)} answered ${found} for ${batch.length} responses; it must be {"scores": [one number a response]}. ` +
        `Correct the verifier.`,
    );
  }
  return data.scores;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
