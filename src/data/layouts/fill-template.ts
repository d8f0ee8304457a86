import { TEMPLATE_FIELD } from "../../config/data.js";
import type { PreferenceGroup } from "../../domain/preference-dataset.js";
import type { TextPart } from "../../domain/text.js";
import { BadInputError } from "../../errors.js";
import { hasField, textField, type DataRow } from "../data-row.js";

/** A prompt that a template made of a row. */
export type FilledTemplate = Pick<PreferenceGroup, "promptParts"> & { readonly prompt: string };

/** A template with the row's texts for its fields in braces. @throws BadInputError naming a field that the row lacks */
export function fillTemplate(template: string, row: DataRow): FilledTemplate {
  // Text of the template and names of fields take turns.
  const parts = template
    .split(TEMPLATE_FIELD)
    .map((part, i): TextPart => (i % 2 === 0 ? literal(part) : data(fieldOf(row, part))))
    .filter(({ text }) => text !== "");
  const prompt = parts.map(({ text }) => text).join("");
  return parts.some(({ specialTokens }) => specialTokens) ? { prompt, promptParts: parts } : { prompt };
}

const literal = (text: string): TextPart => ({ text, specialTokens: true });
const data = (text: string): TextPart => ({ text, specialTokens: false });

function fieldOf(row: DataRow, name: string): string {
  if (hasField(row, name)) return textField(row, name);
  throw new BadInputError(
    `${row.where}: the row has no "${name}", a field of its prompt; its fields are ${Object.keys(row.fields).join(", ")}.`,
  );
}
