import { z } from "zod";
import { scoreUnits } from "../config/reward.js";
import { BadInputError, InterruptedError } from "../errors.js";
import type {
  RewardFunction,
  ScorableResponse,
  UserRewardContext,
  UserRewardFunction,
} from "../ports/reward-function.js";
import { atTheSameTime } from "./at-the-same-time.js";

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
    score(responses, { signal, onProgress } = {}) {
      const { concurrency, options: given } = options;
      let done = 0;
      return atTheSameTime(responses, { concurrency, signal }, async (response, stop) => {
        if (stop.aborted) throw new InterruptedError(`${name}: interrupted.`);
        const score = await callFunction(fn, response, { options: given, signal: stop }, name);
        onProgress?.(++done, responses.length);
        return score;
      });
    },
  };
}

async function callFunction(
  fn: UserRewardFunction,
  response: ScorableResponse,
  context: UserRewardContext,
  name: string,
): Promise<number> {
  const mend = "Correct it; a run that has started goes on with drpo train --resume.";
  let score: unknown;
  try {
    score = await fn(response, context);
  } catch (cause) {
    if (context.signal.aborted) throw new InterruptedError(`${name}: interrupted.`, { cause });
    // What a user's code throws need not be an Error.
    const why = (cause as Partial<Error> | null)?.message ?? String(cause);
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
