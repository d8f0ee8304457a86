import { TEMPLATE_FIELD } from "../../config/data.js";
import type { PreferenceGroup } from "../../domain/preference-dataset.js";
import type { TextPart } from "../../domain/text.js";
import { BadInputError } from "../../errors.js";
import { emptiness, fieldNames, hasField, kindOf, UnusableRowError, valueOf, type DataRow } from "../data-row.js";
import { writtenDigits } from "../written-number.js";

/** A prompt that a template made of a row. */
export type FilledTemplate = Pick<PreferenceGroup, "promptParts"> & { readonly prompt: string };

/** The fields that a template names. */
const namesIn = (template: string): readonly string[] =>
  [...template.matchAll(TEMPLATE_FIELD)].map(([, name]) => name!);

/**
 * A template with what the row has in the fields in braces: texts as they stand, and numbers as they were written. Some of
 * the fields may be empty, or missing from this row.
 * @throws UnusableRowError if all of them are empty
 * @throws BadInputError if all of them are missing, or a value cannot be shown
 */
export function fillTemplate(template: string, row: DataRow): FilledTemplate {
  const names = namesIn(template);
  if (!names.some((name) => hasField(row, name))) throw emptyPrompt(row, names);
  // Text of the template and names of fields take turns.
  const parts = template
    .split(TEMPLATE_FIELD)
    .map((part, i): TextPart => (i % 2 === 0 ? literal(part) : data(shownInPrompt(row, part))))
    .filter(({ text }) => text !== "");
  const prompt = parts.map(({ text }) => text).join("");
  return parts.some(({ specialTokens }) => specialTokens) ? { prompt, promptParts: parts } : { prompt };
}

const literal = (text: string): TextPart => ({ text, specialTokens: true });
const data = (text: string): TextPart => ({ text, specialTokens: false });

function shownInPrompt(row: DataRow, name: string): string {
  const value = valueOf(row, name);
  if (typeof value === "string") return value;
  if (!hasField(row, name)) return "";
  const digits = writtenDigits(value);
  if (digits !== null) return digits;
  throw new BadInputError(
    kindOf(value) === "a number"
      ? `${row.where}: "${name}", a field of the prompt, is a number too large to be read exactly; write it as a string.`
      : `${row.where}: "${name}", a field of the prompt, is ${kindOf(value)}, neither a string nor a number.`,
  );
}

function emptyPrompt(row: DataRow, names: readonly string[]): BadInputError {
  const there = names.filter((name) => valueOf(row, name) !== undefined);
  if (there.length === 0) return missingField(row, names[0]!);
  const states = there.map((name) => `"${name}" is ${emptiness(valueOf(row, name))}`);
  return new UnusableRowError(row.where, `the prompt has no text: ${states.join(", ")}`);
}

/** The error of a row that lacks a field of its prompt. */
export const missingField = (row: DataRow, name: string): BadInputError =>
  new BadInputError(
    `${row.where}: the row has no "${name}", a field of its prompt; its fields are ${fieldNames(row)}.`,
  );

/** @param rows whose fields the template names. @throws BadInputError if the template names a field that none of them has */
export function refuseUnknownFields(template: string, rows: readonly DataRow[]): void {
  for (const name of namesIn(template)) {
    if (rows.length > 0 && !rows.some((row) => valueOf(row, name) !== undefined)) throw missingField(rows[0]!, name);
  }
}
