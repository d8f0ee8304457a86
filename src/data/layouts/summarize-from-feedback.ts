import { BadInputError } from "../../errors.js";
import { contentId } from "../content-id.js";
import {
  idField,
  isObject,
  objectField,
  refuseEmpty,
  requiredField,
  shownValue,
  textField,
  valueOf,
  type DataRow,
} from "../data-row.js";
import { exactNumber } from "../written-number.js";
import type { PairLayout } from "./pair-layout.js";
import { summaryAfter, summaryPrompt } from "./summaries.js";

/**
 * OpenAI's comparisons of summaries: what was summarised is in "info", two summaries in "summaries", and "choice" counts
 * the better one from 0. Several people compare the summaries of one post; all of it is on one side of the split.
 */
export const summarizeFromFeedbackLayout: PairLayout = {
  fields: "{info: {id, subreddit, title, post} or {id, article}, summaries: [{text}, {text}], choice}",
  takesTemplate: true,
  templateRow: (row) => (isObject(row.fields["info"]) ? objectField(row, "info") : null),
  recognises: ({ fields }) => isObject(fields["info"]) && Array.isArray(fields["summaries"]),
  read(row, promptTemplate) {
    const info = objectField(row, "info");
    const filled = summaryPrompt(info, promptTemplate);
    const { prompt } = filled;
    const texts = summaryTexts(row).map((text) => summaryAfter(prompt, text));
    const choice = choiceField(row);
    const about = idField(info);
    return {
      ...filled,
      preferred: texts[choice]!,
      rejected: texts[1 - choice]!,
      // Two people who choose alike are two judgements: the whole row, with its "worker", tells them apart.
      id: `${about ?? contentId(prompt)}/${contentId(row.fields)}`,
      ...(about === null ? {} : { promptId: about }),
    };
  },
};

function summaryTexts(row: DataRow): readonly string[] {
  const summaries = requiredField(row, "summaries");
  if (!Array.isArray(summaries) || summaries.length !== 2) throw notTwoSummaries(row);
  return summaries.map((fields: unknown, i) => {
    refuseEmpty(fields, row.where, `"summaries"[${i}]`);
    if (!isObject(fields)) throw notTwoSummaries(row);
    return textField({ where: `${row.where}, "summaries"[${i}]`, fields }, "text");
  });
}

const notTwoSummaries = ({ where }: DataRow): BadInputError =>
  new BadInputError(`${where}: "summaries" is not a list of two objects {text}.`);

function choiceField(row: DataRow): 0 | 1 {
  const value = valueOf(row, "choice");
  if (value === undefined) throw new BadInputError(`${row.where}: "choice" is missing; add it.`);
  const choice = exactNumber(refuseEmpty(value, row.where, '"choice"'));
  if (choice === 0 || choice === 1) return choice;
  throw new BadInputError(`${row.where}: "choice" is ${shownValue(value)}, not 0 or 1.`);
}
