import PQueue from "p-queue";
import { z } from "zod";
import { scoreUnits } from "../config/reward.js";
import { BadInputError, InterruptedError } from "../errors.js";
import type { RewardFunction, ScorableResponse, UserRewardFunction } from "../ports/reward-function.js";

/** Options of the reward that a recipe calls `{ "kind": "function" }`. */
export const functionRewardOptions = z
  .strictObject({
    kind: z.literal("function"),
    module: z.string().min(1).describe("TypeScript or JavaScript module, relative to the recipe."),
    export: z.string().min(1).default("default").describe("Name of the function in it: see UserRewardFunction."),
    options: z.record(z.string(), z.unknown()).default({}).describe("Handed to the function as they are."),
    concurrency: z
      .number()
      .int()
      .positive()
      .default(16)
      .describe("Responses that are scored at the same time, where the function is asynchronous."),
    ...scoreUnits({ normalise: false }),
  })
  .describe("A function of one's own, response by response.");

export type FunctionRewardOptions = z.infer<typeof functionRewardOptions>;

/**
 * Scores by a user's function.
 * @param source.fn the function, and the hash of its module
 * @param source.where place in the recipe, for messages: "reward"
 * @throws BadInputError (from score) if the function throws, or gives what is not a finite number
 */
export function createFunctionReward(
  options: FunctionRewardOptions,
  { fn, hash, where }: { readonly fn: UserRewardFunction; readonly hash: string; readonly where: string },
): RewardFunction {
  const name = `${where}: ${options.export} of ${options.module}`;
  return {
    dependsOn: { module: hash, export: options.export, options: options.options },
    async score(responses, { signal, onProgress } = {}) {
      const stop = new AbortController();
      const context = {
        options: options.options,
        signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      };
      const queue = new PQueue({ concurrency: options.concurrency });
      let done = 0;
      const scoreOne = async (response: ScorableResponse): Promise<number> => {
        if (signal?.aborted) throw new InterruptedError(`${name}: interrupted.`);
        const score = await callFunction(fn, response, context, name);
        onProgress?.(++done, responses.length);
        return score;
      };
      try {
        return await queue.addAll(responses.map((response) => () => scoreOne(response)));
      } finally {
        // After a failure nobody waits for the others.
        queue.clear();
        stop.abort();
      }
    },
  };
}

async function callFunction(
  fn: UserRewardFunction,
  response: ScorableResponse,
  context: Parameters<UserRewardFunction>[1],
  name: string,
): Promise<number> {
  const mend = "Mend it; a run under way goes on with --resume.";
  let score: unknown;
  try {
    score = await fn(response, context);
  } catch (cause) {
    if (context.signal.aborted) throw new InterruptedError(`${name}: interrupted.`, { cause });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError(`${name} failed on the response ${shown(response)}: ${why}\n${mend}`, { cause });
  }
  if (typeof score === "number" && Number.isFinite(score)) return score;
  const given = typeof score === "number" || score === null ? String(score) : typeof score;
  throw new BadInputError(
    `${name} gave ${given} for the response ${shown(response)}; it must give a finite number.\n${mend}`,
  );
}

/** Enough of a response to know it again. */
function shown({ promptText, responseText }: ScorableResponse): string {
  const short = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  return `${short(responseText)} to ${short(promptText)}`;
}
