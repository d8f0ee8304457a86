import type { OnlineOptions } from "../config/policy.js";
import type { ModelHandle } from "../domain/model.js";
import { withoutEnd } from "../domain/rollout.js";
import type { ResetPool } from "../domain/reset-pool.js";
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
import { tokenizeKnownPrompts } from "./tokenize-prompts.js";
import type { TokenizedPoolRow } from "./usable-groups.js";

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
      return datasetSource({ responses: run.resetPool!, seed });
    case "ownRollouts":
      return ownRolloutsSource({ ...source, run: run.run, prompts, endTokenIds: run.tokenizerInfo.endTokenIds });
    case "livePolicy": {
      const { tokenizerInfo } = run;
      const writer = await openWriter(run, source);
      return livePolicySource({
        ...{ sampler: run.server.sampler, prompts, seed, budget: run.recipe.response.maxTokens, tokenizerInfo, writer },
        params: { ...source.sampling, stopTokenIds: await writersEnds(run, source) },
      });
    }
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

/** Tokens at which a writer's responses end: the policy's, and those of a guide's own base. */
async function writersEnds({ server, tokenizerInfo, call }: OpenRun, { writer }: Live): Promise<readonly number[]> {
  const { endTokenIds } = tokenizerInfo;
  if (writer.kind !== "folder") return endTokenIds;
  const guide = await server.tokenizer.info({ ...call, base: writer.path });
  return [...new Set([...endTokenIds, ...guide.endTokenIds])];
}

/** The pool in token ids, as they are: whether they fit is for others to see. */
export async function tokenizePool(
  { rows }: ResetPool,
  { reset: { selector } }: OnlineOptions,
  run: Parameters<typeof tokenizeKnownPrompts>[0] & Pick<OpenRun, "tokenizerInfo" | "call">,
): Promise<readonly TokenizedPoolRow[]> {
  const { server, tokenizerInfo, call } = run;
  const promptOf = await lookUpTokens(
    rows.map((row) => row.prompt),
    (texts) => tokenizeKnownPrompts(run, texts, call),
  );
  const responseOf = await lookUpTokens(
    rows.map((row) => row.response),
    (texts) => server.tokenizer.tokenize(texts, { ...call, continues: true }),
  );
  return rows.map(({ id, where, ...row }) => {
    const [prompt, response] = [promptOf(row.prompt), responseOf(row.response)];
    // A prefix is never ended: what is given whole must not carry an end token.
    const given = selector.kind === "whole" ? withoutEnd(response, tokenizerInfo.endTokenIds) : response;
    return { id, where, prompt, response: given };
  });
}

/** The token ids of texts, each tokenised once; what is in token ids already stays as it is. */
async function lookUpTokens(
  all: readonly (string | TokenIds)[],
  tokenize: (texts: readonly string[]) => Promise<readonly TokenIds[]>,
): Promise<(one: string | TokenIds) => TokenIds> {
  const texts = [...new Set(all.filter((one) => typeof one === "string"))];
  const tokens = await tokenize(texts);
  const tokensOf = new Map(texts.map((text, i) => [text, tokens[i]!]));
  return (one) => (typeof one === "string" ? tokensOf.get(one)! : one);
}
