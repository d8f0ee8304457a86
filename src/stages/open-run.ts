import { BadInputError } from "../errors.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import type { OpenRun, RunContext } from "./run-context.js";
import { tokenizeGroups } from "./tokenize-groups.js";

/**
 * Reads the data with the server's tokenizer, and refuses what only the tokenizer can tell before anything is trained.
 * @throws BadInputError if the base cannot read the prompts, or a prompt and the response budget do not fit its context
 */
export async function openRun(context: RunContext): Promise<OpenRun> {
  const { recipe, dataset, evaluationDataset, server, run, signal } = context;
  const call = { signal };
  const tokenizerInfo = await server.tokenizer.info(call);
  const { eosTokenId, contextTokens } = tokenizerInfo;
  const read = (groups: readonly PreferenceGroup[], data = recipe.data) =>
    tokenizeGroups(groups, { tokenizer: server.tokenizer, eosTokenId, data, now: new Date(run.createdAt) }, call);
  const data = { train: await read(dataset.train), heldOut: await read(dataset.heldOut) };
  const evaluationGroups = evaluationDataset
    ? await read(evaluationDataset.heldOut, recipe.evaluation.data)
    : data.heldOut;

  const { maxTokens } = recipe.response;
  for (const group of [...data.train, ...data.heldOut, ...evaluationGroups]) {
    if (group.prompt.length === 0) {
      throw new BadInputError(`The prompt of ${group.id} has no tokens: a policy needs at least one to start from.`);
    }
    if (group.prompt.length + maxTokens > contextTokens) {
      throw new BadInputError(
        `The prompt of ${group.id} has ${group.prompt.length} tokens; with response.maxTokens = ${maxTokens} it does not ` +
          `fit the base's context of ${contextTokens}. Shorten the prompt (data.maxPromptTokens), or lower response.maxTokens.`,
      );
    }
  }
  return { ...context, tokenizerInfo, data, evaluationGroups, call };
}
