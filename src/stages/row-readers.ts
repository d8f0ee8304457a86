import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RewardModelRecipe } from "../config/reward.js";
import { rewardModelTerm } from "../config/reward-terms.js";
import type { TokenIds } from "../domain/token-ids.js";
import { rewardTemplate } from "../drpo/reward-template.js";
import { BadInputError } from "../errors.js";
import type { TokenizerInfo } from "../ports/tokenizer.js";
import type { RunContext } from "./run-context.js";

/** What a model takes. */
export interface RowLimits {
  /** Longest row, tokens. */
  readonly contextTokens: number;
  /** Token ids with an embedding: 0 to vocabularySize - 1. */
  readonly vocabularySize: number;
}

/** A model that reads a prompt and a response as one row. */
export interface RowReader extends RowLimits {
  /** For messages: "the base". */
  readonly name: string;
  /** Tokens of its template. */
  readonly templateTokens: number;
  /** False: its template leaves the prompt out, or the prompt is cut to what fits. */
  readonly needsPrompt: boolean;
  /** True: it reads the end of a response too. */
  readonly readsEnd: boolean;
}

/**
 * Every model of the recipe that reads rows of the data: the base, the reward model and those that judge. The limits of a
 * model of its own folder are known where the folder is on this machine; elsewhere the server will tell.
 * @throws BadInputError if a template holds a token that the model has no embedding for
 */
export async function rowReaders(
  { recipe, server, judges }: Pick<RunContext, "recipe" | "server" | "judges">,
  tokenizerInfo: TokenizerInfo,
): Promise<readonly [RowReader, ...RowReader[]]> {
  const { contextTokens, vocabularySize, endTokenIds, beginTokenIds } = tokenizerInfo;
  const beginTokens = recipe.data.beginTokens === "auto" ? beginTokenIds : [];
  const read = async (name: string, key: string, reward: RewardModelRecipe): Promise<RowReader> => {
    const limits =
      reward.kind === "folder"
        ? await limitsOfFolder(recipe.server.kind === "local" ? reward.path : null)
        : { contextTokens, vocabularySize };
    const template = (await rewardTemplate(server.tokenizer, reward.template, endTokenIds, beginTokens))([], []);
    refuseUnknownToken(template, limits, `${key}.template`);
    const needsPrompt = reward.template.includes("{prompt}");
    return { ...limits, name, needsPrompt, templateTokens: template.length, readsEnd: false };
  };
  const term = rewardModelTerm(recipe.reward);
  const readers: RowReader[] = term ? [await read("the reward model", term.key, term.reward)] : [];
  for (const [i, judge] of judges.entries()) {
    if (!("reward" in judge)) continue;
    const reader = await read(`the judge ${judge.name}`, `evaluation.judges[${i}].reward`, judge.reward);
    // Prompts are cut for judges; a judge that is trained reads rows of the data whole.
    readers.push(judge.reward.kind === "train" ? reader : { ...reader, needsPrompt: false });
  }
  const base = {
    name: "the base",
    contextTokens,
    vocabularySize,
    templateTokens: 0,
    needsPrompt: true,
    readsEnd: true,
  };
  return [base, ...readers];
}

/** Tokens of a prompt and a response together, so that every model can read them. */
export const longestRow = (readers: readonly RowReader[]): number =>
  readers.reduce(
    (least, { contextTokens, templateTokens }) => Math.min(least, contextTokens - templateTokens),
    Infinity,
  );

function refuseUnknownToken(tokens: TokenIds, { vocabularySize }: RowLimits, where: string): void {
  const unknown = tokens.find((token) => token >= vocabularySize);
  if (unknown === undefined) return;
  throw new BadInputError(
    `${where} holds token ${unknown}, and the model has embeddings for tokens 0 to ${vocabularySize - 1} only: its ` +
      "tokenizer was given tokens, and its embeddings were not resized. Change the template, or resize them.",
  );
}

/** What the model server makes of a folder's config.json: a sliding window is the longest row. @param folder null: unknown */
async function limitsOfFolder(folder: string | null): Promise<RowLimits> {
  const config = folder === null ? {} : await readConfig(folder);
  const { max_position_embeddings: positions, sliding_window: window, vocab_size: vocabularySize } = config;
  const layers = config["layer_types"];
  const slides = config["model_type"] === "mistral" || (Array.isArray(layers) && layers.includes("sliding_attention"));
  const orAny = (value: unknown) => (typeof value === "number" ? value : Infinity);
  return {
    contextTokens: Math.min(orAny(positions), slides ? orAny(window) : Infinity),
    vocabularySize: orAny(vocabularySize),
  };
}

/** Nothing where there is no config: the server says what is wrong with a folder. */
async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const config: unknown = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    return typeof config === "object" && config !== null ? (config as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
