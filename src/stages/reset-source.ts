import type { OnlineOptions } from "../config/policy.js";
import type { ModelHandle } from "../domain/model.js";
import { withoutEnd } from "../domain/rollout.js";
import type { TokenizedResponse } from "../domain/tokenized-dataset.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { PolicyModels } from "../drpo/algorithms/algorithm.js";
import { datasetSource } from "../drpo/resets/dataset-source.js";
import { livePolicySource } from "../drpo/resets/live-policy-source.js";
import { ownRolloutsSource } from "../drpo/resets/own-rollouts-source.js";
import type { ResetSource } from "../drpo/resets/reset-source.js";
import { BadInputError } from "../errors.js";
import { seedAt } from "../math/seeds.js";
import { datasetResponses } from "./dataset-responses.js";
import { promptsToAnswer } from "./prompts-to-answer.js";
import { identityOf } from "./model-identity.js";
import { refuseOtherTokenizer } from "./refuse-other-tokenizer.js";
import type { OpenRun } from "./run-context.js";

type Live = OnlineOptions["reset"]["source"] & { kind: "livePolicy" };

/** The recipe's source of responses to reset into. @throws BadInputError if there is nothing in it */
export async function openResetSource(run: OpenRun, policy: OnlineOptions, seed: number): Promise<ResetSource> {
  const { source } = policy.reset;
  const prompts = promptsToAnswer(run.data.train);
  switch (source.kind) {
    case "dataset": {
      const parts = source.splitOverIterations ? policy.iterations : null;
      const responses = datasetResponses(run.data.train, source);
      refuseTooFew(responses.length, parts ?? 1, source.minRating);
      return datasetSource({ responses, parts, seed });
    }
    case "pool":
      return datasetSource({ responses: await tokenizePool(run, policy), seed });
    case "ownRollouts":
      return ownRolloutsSource({ ...source, run: run.run, prompts, endTokenIds: run.tokenizerInfo.endTokenIds });
    case "livePolicy":
      return livePolicySource({
        ...{ sampler: run.server.sampler, prompts, seed, budget: run.recipe.response.maxTokens },
        params: { ...source.sampling, stopTokenIds: run.tokenizerInfo.endTokenIds },
        writer: await openWriter(run, source),
      });
  }
}

function refuseTooFew(responses: number, parts: number, minRating: number | undefined): void {
  if (responses >= parts) return;
  const above = minRating === undefined ? "" : ` rated above policy.reset.source.minRating = ${minRating}`;
  throw new BadInputError(
    responses === 0
      ? `There is no response of the training split${above}: there is nothing to reset into.`
      : `policy.reset.source.splitOverIterations: ${responses} responses${above} cannot be split over ${parts} iterations.`,
  );
}

/** Who writes the responses of a live source; a guide is loaded, frozen. */
async function openWriter(run: OpenRun, { writer }: Live): Promise<(models: PolicyModels) => ModelHandle> {
  if (writer.kind === "reference") return ({ reference }) => reference;
  if (writer.kind === "policy") return ({ policy }) => policy;
  await refuseOtherTokenizer(run, { where: "policy.reset.source.writer.path", folder: writer.path });
  const { base, shape } = run.recipe.model;
  const source =
    writer.kind === "folder"
      ? { base: writer.path, shape: { kind: "full" } as const }
      : { base, shape, initialisedFrom: { peftAdapter: writer.path } };
  const guide = await run.server.models.createModel(
    { name: "guide", head: "language-model", trainable: false, seed: seedAt(run.recipe.seed, "model", 4), ...source },
    run.call,
  );
  await run.run.identify("policy.reset.source.writer.path", identityOf(guide));
  await run.server.sampler.syncWeights(guide, run.call);
  return () => guide;
}

/** The pool in token ids, checked against the server's tokenizer. */
async function tokenizePool(
  { pool, server, tokenizerInfo: { vocabularySize, endTokenIds, contextTokens }, recipe, call }: OpenRun,
  { reset: { selector } }: OnlineOptions,
): Promise<readonly Pick<TokenizedResponse, "id" | "prompt" | "response">[]> {
  const rows = pool!.rows;
  const texts = [...new Set(rows.flatMap(({ prompt, response }) => [prompt, response]))].filter(
    (one): one is string => typeof one === "string",
  );
  const tokenized = await server.tokenizer.tokenize(texts, call);
  const tokensOf = new Map(texts.map((text, i) => [text, tokenized[i]!]));
  const tokens = (one: string | TokenIds): TokenIds => (typeof one === "string" ? tokensOf.get(one)! : one);
  return rows.map(({ id, ...row }) => {
    const [prompt, response] = [tokens(row.prompt), tokens(row.response)];
    const unknown = [...prompt, ...response].find((token) => token >= vocabularySize);
    if (unknown !== undefined) {
      throw new BadInputError(
        `The pool's row ${id} holds token ${unknown}, which is outside the base's vocabulary of ${vocabularySize}.`,
      );
    }
    if (prompt.length === 0 || prompt.length + recipe.response.maxTokens > contextTokens) {
      throw new BadInputError(
        `The prompt of the pool's row ${id} has ${prompt.length} tokens; with response.maxTokens = ` +
          `${recipe.response.maxTokens} it must have at least 1 and fit the context of ${contextTokens}.`,
      );
    }
    // A prefix is never ended: what is given whole must not carry an end token.
    return { id, prompt, response: selector.kind === "whole" ? withoutEnd(response, endTokenIds) : response };
  });
}
