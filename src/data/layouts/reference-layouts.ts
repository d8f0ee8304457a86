import type { ReferenceOptions } from "../../config/data.js";
import type { PreferenceGroup } from "../../domain/preference-dataset.js";
import { hasField, nameInUse, textField, valueOf, type DataRow } from "../data-row.js";
import { isList, messagesField, promptField, responseField, splitConversation } from "./chat.js";
import { fillTemplate } from "./fill-template.js";
import type { Layout } from "./layout.js";
import { summaryAfter, summaryPrompt } from "./summaries.js";

/** A prompt and what a person answered. */
export interface Reference extends Pick<PreferenceGroup, "prompt" | "promptParts"> {
  readonly text: string;
}

/** What published datasets call it. */
const RESPONSE_NAMES = ["reference", "label", "response", "completion"];

/** Prompt and reference as texts, each exactly as it stands. */
const text: Layout<Reference> = {
  fields: `{prompt, ${RESPONSE_NAMES.join("|")}}, texts`,
  takesTemplate: true,
  recognises: (row, promptTemplate) =>
    (typeof row.fields["prompt"] === "string" || promptTemplate !== undefined) &&
    RESPONSE_NAMES.some((name) => hasField(row, name)) &&
    !RESPONSE_NAMES.some((name) => isList(row, name)),
  read: (row, promptTemplate) => ({
    ...(promptTemplate === undefined ? { prompt: textField(row, "prompt") } : fillTemplate(promptTemplate, row)),
    text: textField(row, nameInUse(row, RESPONSE_NAMES)),
  }),
};

/** Rows with fields that are put together to a prompt, and a summary. */
const summaries = (fieldNames: readonly string[], summaryName: string): Layout<Reference> => ({
  fields: `{${[...fieldNames, summaryName].join(", ")}}`,
  takesTemplate: true,
  recognises: (row) => [fieldNames.at(-1)!, summaryName].every((name) => typeof row.fields[name] === "string"),
  read(row, promptTemplate) {
    const filled = summaryPrompt(row, promptTemplate);
    return { ...filled, text: summaryAfter(filled.prompt, textField(row, summaryName)) };
  },
});

/** A conversation whose last message is the reference; or the prompt in messages, and the reference beside it. */
const messages: Layout<Reference> = {
  fields: "{messages}, or {prompt, completion}, lists of {role, content}",
  takesTemplate: false,
  recognises: (row) => isList(row, "messages") || isList(row, "prompt"),
  read(row: DataRow) {
    if (valueOf(row, "prompt") !== undefined && !hasField(row, "messages")) {
      return { prompt: promptField(row, "prompt"), text: responseField(row, nameInUse(row, RESPONSE_NAMES)) };
    }
    const { prompt, response } = splitConversation(messagesField(row, "messages"), row, "messages");
    return { prompt, text: response };
  },
};

/** Every layout of `data.references`. */
export const REFERENCE_LAYOUTS: Readonly<Record<Exclude<ReferenceOptions["layout"], "auto">, Layout<Reference>>> = {
  text,
  tldr: summaries(["subreddit", "title", "post"], "summary"),
  "cnn-dailymail": summaries(["article"], "highlights"),
  messages,
};
