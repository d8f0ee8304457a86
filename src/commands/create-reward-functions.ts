import { isRewardModel } from "../config/reward.js";
import { rewardTerms } from "../config/reward-terms.js";
import { BadInputError } from "../errors.js";
import type { RewardFunction, UserRewardFunction } from "../ports/reward-function.js";
import { createFunctionReward, type FunctionRewardOptions } from "../rewards/function-reward.js";
import { createHttpReward } from "../rewards/http-reward.js";
import type { HttpRewardOptions } from "../rewards/http-reward-options.js";
import { systemClock } from "../rpc/clock.js";
import { loadUserFunction } from "../user-modules/load-user-module.js";
import type { CommandContext } from "./command-context.js";
import type { RegisteredRecipe } from "./registry.js";

/**
 * The rewards of a recipe that are no reward model, by their place in it. What is wrong with a user's module, and a token
 * that is not there, are found here: before a server is started.
 * @throws BadInputError
 */
export async function createRewardFunctions(
  reward: RegisteredRecipe["reward"],
  environment: CommandContext["environment"],
): Promise<ReadonlyMap<string, RewardFunction>> {
  const functions = new Map<string, RewardFunction>();
  for (const { key, reward: options } of rewardTerms<FunctionRewardOptions | HttpRewardOptions>(reward)) {
    if (!isRewardModel(options)) functions.set(key, await createRewardFunction(options, key, environment));
  }
  return functions;
}

async function createRewardFunction(
  options: FunctionRewardOptions | HttpRewardOptions,
  where: string,
  environment: CommandContext["environment"],
): Promise<RewardFunction> {
  switch (options.kind) {
    case "function": {
      const { module, export: exportName } = options;
      const loaded = await loadUserFunction<UserRewardFunction>({ module, exportName, where });
      return createFunctionReward(options, { ...loaded, where });
    }
    case "http":
      return createHttpReward(options, { token: tokenOf(options, where, environment), where, clock: systemClock });
  }
}

function tokenOf(
  { tokenEnv }: HttpRewardOptions,
  where: string,
  environment: CommandContext["environment"],
): string | undefined {
  if (tokenEnv === undefined) return undefined;
  const token = environment[tokenEnv];
  if (token) return token;
  throw new BadInputError(
    `${where}.tokenEnv names the environment variable ${tokenEnv}, which is not set. Set it to the token.`,
  );
}
