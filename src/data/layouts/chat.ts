import type { ChatMessage } from "../../domain/preference-dataset.js";
import { BadInputError } from "../../errors.js";
import { isObject, refuseBlank, refuseNonUnicode, textField, type DataRow } from "../data-row.js";

const ROLES: readonly ChatMessage["role"][] = ["system", "user", "assistant"];

/** Whether a field holds a list, as conversations do. */
export const isList = ({ fields }: DataRow, name: string): boolean => Array.isArray(fields[name]);

/** A field that must be a list of messages. @throws BadInputError */
export function messagesField({ where, fields }: DataRow, name: string): readonly ChatMessage[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length === 0) {
    throw new BadInputError(`${where}: "${name}" is not a list of messages {role, content}.`);
  }
  return value.map((message: unknown, i) => {
    const { role, content } = isObject(message) ? message : {};
    const known = ROLES.find((one) => one === role);
    if (known === undefined || typeof content !== "string") {
      throw new BadInputError(
        `${where}: "${name}"[${i}] is not a message: it needs a role (${ROLES.join(", ")}) and a content that is text.`,
      );
    }
    return { role: known, content: refuseNonUnicode(content, where, `"${name}"[${i}]`) };
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
    response: refuseBlank(last.content, where, `the last message of "${name}"`),
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
  return refuseBlank(message.content, row.where, `"${name}"`);
}

/** A chat template opens a new turn of the assistant, so the prompt must not end in the middle of one. */
function refuseOpenTurn(prompt: readonly ChatMessage[], where: string): readonly ChatMessage[] {
  if (prompt.at(-1)?.role !== "assistant") return prompt;
  throw new BadInputError(`${where}: the message before the response is the assistant's too; join the two.`);
}
