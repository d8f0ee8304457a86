import type { DataOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import type { ResetPoolRow } from "../domain/reset-pool.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";
import { BadInputError } from "../errors.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { RowReader } from "./row-readers.js";

/** What every row must fit. */
export interface RowRules {
  readonly readers: readonly RowReader[];
  /** Tokens that the policy may write after a prompt. */
  readonly maxTokens: number;
  /** How long a prompt of the data may be. */
  readonly prompts?: Pick<DataOptions, "maxPromptTokens" | "truncatePrompt">;
}

/** A row that a model cannot read. */
export interface UnfitRow {
  /** Of the response or group that is left out. */
  readonly id: string;
  /** The row it was read from; null: the prompt of the recipe. */
  readonly where: string | null;
  readonly fault: Fault;
}

export interface Fault {
  /** Without a full stop. */
  readonly problem: string;
  /** The token without an embedding, if it is that. */
  readonly token?: number;
}

/** What is left of rows, and what does not fit. */
export interface UsableRows {
  readonly unfit: readonly UnfitRow[];
  /** Rows before any was left out. */
  readonly rows: number;
}

/** One side of a dataset. */
export interface UsableGroups extends UsableRows {
  readonly groups: readonly TokenizedGroup[];
}

/** A row of a pool to reset into. */
export type TokenizedPoolRow = Pick<TokenizedResponse, "id" | "prompt" | "response"> & Pick<ResetPoolRow, "where">;

/**
 * The groups whose rows every model can read. A group that was read from one row is left out as a whole; where responses
 * have rows of their own, each by itself.
 * @param read the groups before they were tokenised, which know their rows
 */
export function usableGroups(
  read: readonly PreferenceGroup[],
  tokenized: readonly TokenizedGroup[],
  rules: RowRules,
): UsableGroups {
  const placeOf = new Map(read.map((group) => [group.id, group]));
  const groups: TokenizedGroup[] = [];
  const unfit: UnfitRow[] = [];
  let rows = 0;
  for (const group of tokenized) {
    const { where, responses } = placeOf.get(group.id)!;
    const ofPrompt = promptFault(group.prompt, rules);
    if (where !== undefined) {
      rows++;
      const fault = ofPrompt ?? firstFault(group, rules);
      if (fault) unfit.push({ id: group.id, where, fault });
      else groups.push(group);
      continue;
    }
    if (ofPrompt) unfit.push({ id: group.id, where: null, fault: ofPrompt });
    rows += group.responses.length;
    const kept = group.responses.filter((response, i) => {
      const fault = responseFault(response, "the response", rules);
      if (fault) unfit.push({ id: response.id, where: responses[i]!.where ?? `The response ${response.id}`, fault });
      return !fault;
    });
    if (kept.length === group.responses.length) groups.push(group);
    else if (kept.length > 0) groups.push({ ...group, responses: kept });
  }
  return { groups, unfit, rows };
}

/** The rows of a pool that the policy can start from: of a long response it gets only as much as there is room for. */
export function usablePool(
  pool: readonly TokenizedPoolRow[],
  rules: RowRules,
): UsableRows & { readonly pool: readonly TokenizedPoolRow[] } {
  const unfit: UnfitRow[] = [];
  const fitting = pool.filter(({ id, where = `The pool's row ${id}`, prompt, response }) => {
    const fault = promptFault(prompt, rules) ?? firstUnknownToken(response, "the response", rules);
    if (fault) unfit.push({ id, where, fault });
    return !fault;
  });
  return { pool: fitting, unfit, rows: pool.length };
}

/** Why the policy cannot start from a prompt; null: it can. */
function promptFault(prompt: TokenIds, rules: RowRules): Fault | null {
  const { readers, maxTokens } = rules;
  if (prompt.length === 0)
    return { problem: "the prompt has no tokens, and a policy needs at least one to start from" };
  const unknown = firstUnknownToken(prompt, "the prompt", rules);
  if (unknown) return unknown;
  const { maxPromptTokens = Infinity, truncatePrompt } = rules.prompts ?? {};
  if (prompt.length > maxPromptTokens) {
    const limit = `more than data.maxPromptTokens = ${maxPromptTokens}`;
    // A text can always be cut; a conversation keeps its system prompt and one turn.
    const problem =
      truncatePrompt === "left"
        ? `the prompt has ${prompt.length} tokens in its system prompt and newest turn alone, ${limit}`
        : `the prompt has ${prompt.length} tokens, ${limit} (data.truncatePrompt "left" keeps its last tokens, or the ` +
          "newest turns of a conversation)";
    return { problem };
  }
  for (const reader of readers) {
    const { name, contextTokens, templateTokens, needsPrompt } = reader;
    const row = templateTokens + (needsPrompt ? prompt.length : 0) + maxTokens;
    if (row <= contextTokens) continue;
    const inTemplate = templateTokens > 0 ? ` and ${templateTokens} of its template` : "";
    return {
      problem:
        `the prompt has ${prompt.length} tokens; with response.maxTokens = ${maxTokens}${inTemplate} it does not fit ` +
        `${name}'s context of ${contextTokens} (data.maxPromptTokens cuts prompts, and response.maxTokens can be lowered)`,
    };
  }
  return null;
}

/** Of a row's responses and its reference. */
function firstFault({ responses, reference }: TokenizedGroup, rules: RowRules): Fault | null {
  const isPair = responses.length === 2 && responses[0]!.rating !== responses[1]!.rating;
  const best = Math.max(responses[0]?.rating ?? 0, responses[1]?.rating ?? 0);
  for (const response of responses) {
    const name = isPair ? `the ${response.rating === best ? "preferred" : "rejected"} response` : "the response";
    const fault = responseFault(response, name, rules);
    if (fault) return fault;
  }
  return reference && responseFault(reference, "the reference", rules);
}

function responseFault({ prompt, response }: TokenizedResponse, what: string, rules: RowRules): Fault | null {
  // With its end.
  if (response.length <= 1) return { problem: `${what} has no tokens` };
  for (const reader of rules.readers) {
    const { name, contextTokens, templateTokens, needsPrompt, readsEnd } = reader;
    const unknown = unknownToken(readsEnd ? response : response.slice(0, -1), what, reader);
    if (unknown) return unknown;
    const read = response.length - (readsEnd ? 0 : 1);
    const row = templateTokens + (needsPrompt ? prompt.length : 0) + read;
    if (row <= contextTokens) continue;
    const others = [...(needsPrompt ? ["its prompt"] : []), ...(templateTokens > 0 ? ["the template"] : [])];
    const together = others.length === 0 ? "" : `, ${row} with ${others.join(" and ")}`;
    return { problem: `${what} has ${read} tokens${together}: more than ${name}'s context of ${contextTokens}` };
  }
  return null;
}

function firstUnknownToken(tokens: TokenIds, what: string, { readers }: RowRules): Fault | null {
  for (const reader of readers) {
    const fault = unknownToken(tokens, what, reader);
    if (fault) return fault;
  }
  return null;
}

function unknownToken(tokens: TokenIds, what: string, { name, vocabularySize }: RowReader): Fault | null {
  const token = tokens.find((one) => one >= vocabularySize);
  if (token === undefined) return null;
  return {
    token,
    problem: `${what} holds token ${token}, and ${name} has embeddings for tokens 0 to ${vocabularySize - 1} only`,
  };
}

/** What the recipe says of rows that do not fit. */
export interface UnfitRule extends Pick<DataOptions, "unusableRows"> {
  /** The section that says it: "data", "evaluation.data". */
  readonly section: string;
  /** What spells a token, for messages. */
  readonly tokenizer: Tokenizer;
}

/**
 * @param what the rows are of, for the line
 * @returns a line that says what was left out; null: nothing
 * @throws BadInputError naming the first row that does not fit, where such rows are refused or it is the recipe's own prompt
 */
export async function refuseUnfit(
  what: string,
  { unfit, rows }: UsableRows,
  { section, unusableRows, tokenizer }: UnfitRule,
): Promise<string | null> {
  const first = firstOf(unfit);
  if (first === null) return null;
  const problem = await described(first, section, tokenizer);
  if (first.where === null) throw new BadInputError(`${problem}.`);
  const option = `${section}.unusableRows`;
  if (unusableRows === "skip") {
    return `${what}: ${unfit.length} of ${rows} rows do not fit and are left out (${option}). The first: ${problem}`;
  }
  throw new BadInputError(
    unfit.length === 1
      ? `${problem}. Change or remove the row, or set ${option} to "skip", which leaves such rows out.`
      : `${problem}. It is the first of ${unfit.length} rows that do not fit: change or remove them, or set ${option} ` +
          'to "skip", which leaves such rows out.',
  );
}

/** @throws BadInputError if a side has lost all that could be learnt from */
export async function refuseNothingLeft(
  side: string,
  before: readonly TokenizedGroup[],
  { groups, unfit, rows }: UsableGroups,
  { section, tokenizer }: UnfitRule,
): Promise<void> {
  const first = firstOf(unfit);
  if (first === null || (groups.length > 0 && (hasPreference(groups) || !hasPreference(before)))) return;
  throw new BadInputError(
    `${section}: ${unfit.length} of the ${rows} rows of the ${side} side do not fit, and without them it has no ` +
      `${groups.length === 0 ? "row" : "preference"}. The first: ${await described(first, section, tokenizer)}. ` +
      "Shorten the rows, or take a base with a longer context.",
  );
}

/** With the text of a token that has no embedding. */
async function described({ where, fault }: UnfitRow, section: string, tokenizer: Tokenizer): Promise<string> {
  const place = where ?? `${section}.prompt`;
  const { problem, token } = fault;
  if (token === undefined) return `${place}: ${problem}`;
  const [text = ""] = await tokenizer.detokenize([[token]]).catch(() => []);
  const spelled = text === "" ? "" : `${JSON.stringify(text)} is token ${token}; `;
  return `${place}: ${problem} (${spelled}a token was added to the tokenizer, and the embeddings were not resized)`;
}

/** In the order of files and rows, which both sides of the split share; the recipe's own prompt comes first. */
const firstOf = (unfit: readonly UnfitRow[]): UnfitRow | null =>
  unfit.reduce<UnfitRow | null>((first, row) => (first === null || isBefore(row, first) ? row : first), null);

const isBefore = (a: UnfitRow, b: UnfitRow): boolean =>
  b.where !== null && (a.where === null || byNumber.compare(a.where, b.where) < 0);

const byNumber = new Intl.Collator("en", { numeric: true });

const hasPreference = (groups: readonly TokenizedGroup[]): boolean =>
  groups.some(({ responses }) => responses.some(({ rating }) => rating !== responses[0]!.rating));
