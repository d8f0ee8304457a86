import type { ChatMessage } from "../../domain/preference-dataset.js";
import { BadInputError } from "../../errors.js";
import { hasField, UnusableRowError, valueOf, type DataRow } from "../data-row.js";
import { isList, messagesField, promptField, responseField, splitConversation } from "./chat.js";
import { PREFERRED_NAMES, preferredName, type Comparison, type PairLayout } from "./pair-layout.js";

/**
 * Chat messages, as Hugging Face lays out preferences: with the prompt in a list of its own, or as two whole conversations
 * that differ in their last message, the assistant's.
 */
export const messagesLayout: PairLayout = {
  fields:
    "{prompt, preferred|chosen, rejected}, lists of {role, content}, the prompt in its own or at the beginning of both",
  takesTemplate: false,
  recognises: (row) => ["prompt", ...PREFERRED_NAMES, "rejected"].some((name) => isList(row, name)),
  read: (row) => (hasOwnPrompt(row) ? withOwnPrompt(row) : wholeConversations(row)),
};

/** Also where it is null, beside responses that are no whole conversations. */
function hasOwnPrompt(row: DataRow): boolean {
  if (isList(row, "prompt")) return true;
  if (valueOf(row, "prompt") === undefined || hasField(row, "prompt")) return false;
  const responses = [...PREFERRED_NAMES, "rejected"].map((name) => valueOf(row, name));
  return !responses.some((response) => Array.isArray(response) && response.length > 1);
}

const withOwnPrompt = (row: DataRow): Comparison => ({
  prompt: promptField(row, "prompt"),
  preferred: responseField(row, preferredName(row)),
  rejected: responseField(row, "rejected"),
});

function wholeConversations(row: DataRow): Comparison {
  const name = preferredName(row);
  const preferred = splitConversation(messagesField(row, name), row, name);
  const rejected = splitConversation(messagesField(row, "rejected"), row, "rejected");
  if (!isSame(preferred.prompt, rejected.prompt)) {
    throw new UnusableRowError(row.where, `"${name}" and "rejected" differ before their last message`);
  }
  refuseOtherPrompt(row, preferred.prompt);
  return { prompt: preferred.prompt, preferred: preferred.response, rejected: rejected.response };
}

const isSame = (a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean =>
  a.length === b.length && a.every(({ role, content }, i) => role === b[i]!.role && content === b[i]!.content);

/** Some datasets repeat the user's words in a "prompt" of text; it must not say something else. */
function refuseOtherPrompt(row: DataRow, prompt: readonly ChatMessage[]): void {
  const { prompt: text } = row.fields;
  if (!hasField(row, "prompt") || prompt.some(({ content }) => content === text)) return;
  throw new BadInputError(
    `${row.where}: "prompt" is no message of the conversations; make it a list of messages, or leave it out.`,
  );
}
