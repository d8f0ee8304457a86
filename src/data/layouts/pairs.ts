import { hasField, textField } from "../data-row.js";
import { isList } from "./chat.js";
import { fillTemplate } from "./fill-template.js";
import { PREFERRED_NAMES, preferredName, type PairLayout } from "./pair-layout.js";

/** Prompt and responses as texts, each exactly as it stands; a template can put the prompt together from other fields. */
export const pairsLayout: PairLayout = {
  fields: "{prompt, preferred|chosen, rejected}, texts",
  takesTemplate: true,
  recognises: (row, promptTemplate) =>
    (typeof row.fields["prompt"] === "string" || promptTemplate !== undefined) &&
    [...PREFERRED_NAMES, "rejected"].some((name) => hasField(row, name)) &&
    ![...PREFERRED_NAMES, "rejected"].some((name) => isList(row, name)),
  read: (row, promptTemplate) => ({
    ...(promptTemplate === undefined ? { prompt: textField(row, "prompt") } : fillTemplate(promptTemplate, row)),
    preferred: textField(row, preferredName(row)),
    rejected: textField(row, "rejected"),
  }),
};
