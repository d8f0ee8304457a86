import type { ChatMessage } from "../../domain/preference-dataset.js";
import { BadInputError } from "../../errors.js";
import {
  emptiness,
  hasField,
  isObject,
  refuseEmpty,
  requiredField,
  textField,
  valueOf,
  type DataRow,
} from "../data-row.js";

const ROLES: readonly ChatMessage["role"][] = ["system", "user", "assistant"];

/** Whether a field holds a list with something in it, as conversations do. */
export const isList = (row: DataRow, name: string): boolean => hasField(row, name) && Array.isArray(valueOf(row, name));

/**
 * A field that must be a list of messages, each with a text in it; only a system prompt may be empty.
 * @throws UnusableRowError if there is nothing in the field or in a message
 * @throws BadInputError if they are no messages
 */
export function messagesField(row: DataRow, name: string): readonly ChatMessage[] {
  const value = requiredField(row, name);
  if (!Array.isArray(value)) {
    throw new BadInputError(`${row.where}: "${name}" is not a list of messages {role, content}.`);
  }
  return value.map((message: unknown, i) => {
    const place = `"${name}"[${i}]`;
    refuseEmpty(message, row.where, place);
    const { role, content } = isObject(message) ? message : {};
    refuseEmpty(role, row.where, `the role of ${place}`);
    if (role === "system" && content !== undefined && emptiness(content) !== null) {
      return { role, content: typeof content === "string" ? content : "" };
    }
    refuseEmpty(
      content,
      row.where,
      i === value.length - 1 ? `the last message of "${name}"` : `the content of ${place}`,
    );
    const known = ROLES.find((one) => one === role);
    if (known === undefined || typeof content !== "string") {
      throw new BadInputError(
        `${row.where}: ${place} is not a message: it needs a role (${ROLES.join(", ")}) and a content that is text.`,
      );
    }
    return { role: known, content };
  });
}

/** A conversation, cut before its last message, which must be the assistant's: the response. @throws BadInputError */
export function splitConversation(
  messages: readonly ChatMessage[],
  { where }: DataRow,
  name: string,
): { readonly prompt: readonly ChatMessage[]; readonly response: string } {
  const prompt = messages.slice(0, -1);
  const last = messages.at(-1)!;
  if (last.role !== "assistant")
    throw new BadInputError(`${where}: "${name}" does not end in a message of the assistant.`);
  if (prompt.length === 0) {
    throw new BadInputError(
      `${where}: "${name}" has nothing before the response; the prompt must be a list of messages.`,
    );
  }
  return {
    prompt: refuseOpenTurn(prompt, where),
    response: last.content,
  };
}

/** A prompt in messages of its own. @throws BadInputError */
export const promptField = (row: DataRow, name: string): readonly ChatMessage[] =>
  refuseOpenTurn(messagesField(row, name), row.where);

/** A response in a field of its own: text, or a list of one message of the assistant. @throws BadInputError */
export function responseField(row: DataRow, name: string): string {
  if (!isList(row, name)) return textField(row, name);
  const [message, ...more] = messagesField(row, name);
  if (message?.role !== "assistant" || more.length > 0) {
    throw new BadInputError(
      `${row.where}: "${name}" is not one message of the assistant, as beside a prompt in messages.`,
    );
  }
  return message.content;
}

/** A chat template opens a new turn of the assistant, so the prompt must not end in the middle of one. */
function refuseOpenTurn(prompt: readonly ChatMessage[], where: string): readonly ChatMessage[] {
  if (prompt.at(-1)?.role !== "assistant") return prompt;
  throw new BadInputError(`${where}: the message before the response is the assistant's too; join the two.`);
}
