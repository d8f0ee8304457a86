import type { DataOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import { BadInputError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { TokenizerInfo } from "../ports/tokenizer.js";
import { tokenizePool } from "./reset-source.js";
import { longestRow, rowReaders } from "./row-readers.js";
import type { OpenRun, RunContext } from "./run-context.js";
import { tokenizeGroups } from "./tokenize-groups.js";
import {
  refuseNothingLeft,
  refuseUnfit,
  type RowRules,
  type UnfitRule,
  type UnfitRow,
  usableGroups,
  usablePool,
} from "./usable-groups.js";

/**
 * Reads the data with the server's tokenizer, and finds what only the tokenizer can tell before anything is trained: rows
 * that a model of the recipe cannot read are refused, or left out of every stage, as `unusableRows` says.
 * @throws BadInputError naming the first row that does not fit, or if the base cannot read the prompts
 */
export async function openRun(context: RunContext): Promise<OpenRun> {
  const { recipe, dataset, evaluationDataset, server, signal } = context;
  const call = { signal };
  const tokenizerInfo = await server.tokenizer.info(call);
  const readers = await rowReaders(context, tokenizerInfo);
  const rules = { readers, maxTokens: recipe.response.maxTokens };
  const open = { ...context, tokenizerInfo, rules, call };

  const { train, heldOut, unfit } = await readSides(open, dataset, "data", recipe.data);
  const evaluationGroups =
    evaluationDataset && recipe.evaluation.data
      ? (await readSides(open, { heldOut: evaluationDataset.heldOut }, "evaluation.data", recipe.evaluation.data))
          .heldOut
      : heldOut;
  const data = { train, heldOut };
  return {
    ...context,
    tokenizerInfo,
    data,
    evaluationGroups,
    resetPool: await readPool({ ...open, data, evaluationGroups }),
    longestRow: longestRow(readers),
    leftOut: unfit.map(({ id }) => id),
    call,
  };
}

type Opening = RunContext & {
  readonly tokenizerInfo: TokenizerInfo;
  readonly rules: RowRules;
  readonly call: CallOptions;
};

/** The sides of a dataset without the rows that do not fit. @throws BadInputError as the section says */
async function readSides(
  { server, run, tokenizerInfo: { eosTokenId }, rules, progress, call }: Opening,
  dataset: { readonly train?: readonly PreferenceGroup[]; readonly heldOut: readonly PreferenceGroup[] },
  section: string,
  data: DataOptions,
): Promise<{
  readonly train: readonly TokenizedGroup[];
  readonly heldOut: readonly TokenizedGroup[];
  readonly unfit: readonly UnfitRow[];
}> {
  const { tokenizer } = server;
  const rule: UnfitRule = { section, unusableRows: data.unusableRows, tokenizer };
  const readSide = async (groups: readonly PreferenceGroup[]) => {
    const before = await tokenizeGroups(groups, { tokenizer, eosTokenId, data, now: new Date(run.createdAt) }, call);
    return { before, ...usableGroups(groups, before, { ...rules, prompts: data }) };
  };
  const [train, heldOut] = [await readSide(dataset.train ?? []), await readSide(dataset.heldOut)];
  const both = { unfit: [...train.unfit, ...heldOut.unfit], rows: train.rows + heldOut.rows };
  const note = await refuseUnfit(section, both, rule);
  await refuseNothingLeft("training", train.before, train, rule);
  await refuseNothingLeft("held-out", heldOut.before, heldOut, rule);
  if (note !== null) progress.note(note);
  return { train: train.groups, heldOut: heldOut.groups, unfit: both.unfit };
}

/** The rows of the pool that the policy can start from. @throws BadInputError as for the data */
async function readPool(open: Opening & Pick<OpenRun, "data" | "evaluationGroups">): Promise<OpenRun["resetPool"]> {
  const { pool, recipe, server, rules, progress } = open;
  if (!pool || recipe.policy.kind !== "online") return null;
  const usable = usablePool(await tokenizePool(pool, recipe.policy, open), rules);
  const { unusableRows } = recipe.data;
  const rule: UnfitRule = { section: "data", unusableRows, tokenizer: server.tokenizer };
  const note = await refuseUnfit("policy.reset.source.path", usable, rule);
  if (note !== null) progress.note(note);
  if (usable.pool.length > 0) return usable.pool;
  throw new BadInputError(`policy.reset.source.path: no row of the pool fits; there is nothing to reset into.`);
}
