import { BadInputError } from "../errors.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { OpenRun, RunContext } from "./run-context.js";

/**
 * Reads the data with the server's tokenizer, and refuses what only the tokenizer can tell before anything is trained.
 * @throws BadInputError if a prompt and the response budget do not fit the base's context
 */
export async function openRun(context: RunContext): Promise<OpenRun> {
  const { recipe, dataset, server, signal } = context;
  const call = { signal };
  const tokenizerInfo = await server.tokenizer.info(call);
  const read = (groups: readonly PreferenceGroup[]) =>
    tokenizeGroups(server.tokenizer, groups, tokenizerInfo.eosTokenId, call);
  const data = { train: await read(dataset.train), heldOut: await read(dataset.heldOut) };

  const { contextTokens } = tokenizerInfo;
  const { maxTokens } = recipe.response;
  for (const group of [...data.train, ...data.heldOut]) {
    if (group.prompt.length === 0) {
      throw new BadInputError(`The prompt of ${group.id} has no tokens: a policy needs at least one to start from.`);
    }
    if (group.prompt.length + maxTokens > contextTokens) {
      throw new BadInputError(
        `The prompt of ${group.id} has ${group.prompt.length} tokens; with response.maxTokens = ${maxTokens} it does not ` +
          `fit the base's context of ${contextTokens}. Shorten the prompt, or lower response.maxTokens.`,
      );
    }
  }
  return { ...context, tokenizerInfo, data, call };
}

async function tokenizeGroups(
  tokenizer: Tokenizer,
  groups: readonly PreferenceGroup[],
  eosTokenId: number,
  call: CallOptions,
): Promise<readonly TokenizedGroup[]> {
  const prompts = await tokenizer.tokenize(
    groups.map(({ prompt }) => prompt),
    call,
  );
  const responses = await tokenizer.tokenize(
    groups.flatMap((group) => group.responses.map(({ text }) => text)),
    call,
  );
  let next = 0;
  return groups.map((group, i) => ({
    id: group.id,
    promptText: group.prompt,
    prompt: prompts[i]!,
    responses: group.responses.map(({ id, rating }) => ({
      id,
      prompt: prompts[i]!,
      response: [...responses[next++]!, eosTokenId],
      rating,
    })),
  }));
}
