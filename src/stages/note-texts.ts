import type { DataOptions } from "../config/data.js";
import type { PreferenceDataset, PreferenceGroup } from "../domain/preference-dataset.js";
import type { TokenizedDataset, TokenizedGroup } from "../domain/tokenized-dataset.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Progress } from "../ports/progress.js";
import type { Tokenizer, TokenizerInfo } from "../ports/tokenizer.js";
import { tokenizePrompts } from "./tokenize-prompts.js";

/** What is read of an OpenRun. */
interface NotedRun {
  readonly recipe: { readonly data: DataOptions };
  readonly dataset: Pick<PreferenceDataset, "train" | "heldOut">;
  readonly data: TokenizedDataset;
  readonly server: { readonly tokenizer: Tokenizer };
  readonly tokenizerInfo: Pick<TokenizerInfo, "beginTokenIds">;
  readonly progress: Pick<Progress, "note">;
  readonly call: CallOptions;
}

/** A text of the data and its tokens. */
interface Written {
  readonly what: string;
  readonly text: string;
  readonly tokens: readonly number[];
}

/** Tells how the data's texts became tokens, and which of them are not what they may look like. */
export async function noteTexts(run: NotedRun): Promise<void> {
  const groups = [...run.dataset.train, ...run.dataset.heldOut];
  const texts = groups.filter(({ prompt }) => typeof prompt === "string");
  if (texts.length > 0) {
    run.progress.note(await beginLine(run));
    await noteSpelledTokens(run, texts);
  }
  await noteChangedTexts(run, groups);
}

async function beginLine({ recipe, server: { tokenizer }, tokenizerInfo, call }: NotedRun): Promise<string> {
  if (recipe.data.beginTokens === "none")
    return 'prompts: no begin token is put before them (data.beginTokens = "none")';
  const { beginTokenIds } = tokenizerInfo;
  if (beginTokenIds.length === 0) return "prompts: the base's tokenizer puts no begin token before a text";
  const [spelled] = await tokenizer.detokenize([beginTokenIds], { ...call, skipSpecialTokens: false });
  return `prompts: begin with ${spelled}, as the base's tokenizer begins every text (data.beginTokens)`;
}

/** Whoever applied a chat template to the prompts wants its tokens; whoever has old HTML does not. */
async function noteSpelledTokens(run: NotedRun, groups: readonly PreferenceGroup[]): Promise<void> {
  const { data } = run.recipe;
  if (data.specialTokens === "tokens") return;
  const prompts = groups.map(({ prompt, promptParts }) => promptParts ?? (prompt as string));
  const { tokenizer } = run.server;
  const [asText, asTokens] = [
    await tokenizePrompts(prompts, { tokenizer, data }, run.call),
    await tokenizePrompts(prompts, { tokenizer, data: { ...data, specialTokens: "tokens" } }, run.call),
  ];
  const spelled = groups.filter((_, i) => asText[i]!.join() !== asTokens[i]!.join());
  if (spelled.length === 0) return;
  run.progress.note(
    `prompts: ${spelled.length} of ${groups.length} spell special tokens, read as ordinary text (first: ${spelled[0]!.id}); ` +
      'set data.specialTokens to "tokens" if they are meant as tokens',
  );
}

/** Texts that do not come back from their tokens: the tokenizer has no token for a character, or writes it otherwise. */
async function noteChangedTexts(run: NotedRun, groups: readonly PreferenceGroup[]): Promise<void> {
  const tokenized = new Map([...run.data.train, ...run.data.heldOut].map((group) => [group.id, group]));
  const responses = groups.flatMap((group) => responsesOf(group, tokenized.get(group.id)));
  const prompts = groups.flatMap((group) => promptOf(group, tokenized.get(group.id), run));
  const changed = [
    ...(await changedOf(prompts, run, { continues: false })),
    ...(await changedOf(responses, run, { continues: true })),
  ];
  const [first] = changed;
  if (first === undefined) return;
  run.progress.note(
    `data: ${changed.length} of ${prompts.length + responses.length} texts do not come back from the base's tokens as they ` +
      `were; ${first.what} becomes ${first.shown}. Its tokenizer has no token for a character, or writes it otherwise`,
  );
}

function responsesOf(group: PreferenceGroup, tokenized: TokenizedGroup | undefined): Written[] {
  const tokensOf = new Map(
    [...(tokenized?.responses ?? []), ...(tokenized?.reference ? [tokenized.reference] : [])].map((one) => [
      one.id,
      one,
    ]),
  );
  return [...group.responses, ...(group.reference ? [group.reference] : [])].flatMap(({ id, text }) => {
    const tokens = tokensOf.get(id)?.response;
    return tokens ? [{ what: `response ${id}`, text, tokens: tokens.slice(0, -1) }] : [];
  });
}

/** A prompt that is data through and through, and whole. */
function promptOf(
  { id, prompt, promptParts }: PreferenceGroup,
  tokenized: TokenizedGroup | undefined,
  { recipe: { data } }: NotedRun,
): Written[] {
  const isData = typeof prompt === "string" && promptParts === undefined && data.specialTokens === "text";
  if (!isData || !tokenized || tokenized.prompt.length >= (data.maxPromptTokens ?? Infinity)) return [];
  return [{ what: `the prompt of ${id}`, text: prompt, tokens: tokenized.prompt }];
}

async function changedOf(
  all: readonly Written[],
  { server: { tokenizer }, tokenizerInfo: { beginTokenIds }, call }: NotedRun,
  { continues }: { readonly continues: boolean },
): Promise<readonly { readonly what: string; readonly shown: string }[]> {
  const [begin = ""] = await tokenizer.detokenize([beginTokenIds], { ...call, skipSpecialTokens: false });
  const texts = await tokenizer.detokenize(
    all.map(({ tokens }) => tokens),
    { ...call, continues },
  );
  return all.flatMap(({ what, text }, i) => {
    // Begin tokens that a prompt spells are no part of its text.
    const expected = continues || begin === "" || !text.startsWith(begin) ? text : text.slice(begin.length);
    const found = texts[i]!;
    // The same characters, composed: no reader sees it.
    if (found === expected || found.normalize("NFC") === expected.normalize("NFC")) return [];
    return [{ what, shown: shownDifference(expected, found) }];
  });
}

/** What surrounds the first character that differs. */
function shownDifference(before: string, after: string): string {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  const from = Math.max(at - 10, 0);
  const show = (text: string) => JSON.stringify(text.slice(from, at + 10));
  return `${show(after)} where it is ${show(before)}`;
}
