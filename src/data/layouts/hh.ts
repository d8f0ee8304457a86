import { BadInputError } from "../../errors.js";
import { hasField, refuseEmpty, textField, UnusableRowError } from "../data-row.js";
import { PREFERRED_NAMES, preferredName, type PairLayout } from "./pair-layout.js";

const HUMAN = "\n\nHuman:";
const ASSISTANT = "\n\nAssistant:";

const isDialogue = (value: unknown): boolean => typeof value === "string" && value.startsWith(HUMAN);

/**
 * Whole dialogues as one text each, as Anthropic's helpful and harmless preferences are. The prompt is what both share, up
 * to and with the last "\n\nAssistant:"; a response is what follows, its leading space included.
 */
export const hhLayout: PairLayout = {
  fields: '{chosen, rejected}, dialogues of "\\n\\nHuman:" and "\\n\\nAssistant:" turns',
  takesTemplate: false,
  recognises: ({ fields }) => [...PREFERRED_NAMES, "rejected"].some((name) => isDialogue(fields[name])),
  read(row) {
    if (hasField(row, "prompt")) {
      throw new BadInputError(
        `${row.where}: the row has a "prompt", but dialogues of layout "hh" hold theirs; set data.layout to "pairs", or leave it out.`,
      );
    }
    const name = preferredName(row);
    const [preferred, rejected] = [textField(row, name), textField(row, "rejected")];
    const shared = sharedLength(preferred, rejected);
    const turn = preferred.slice(0, shared).lastIndexOf(ASSISTANT);
    if (turn === -1) {
      throw new UnusableRowError(
        row.where,
        `"${name}" and "rejected" share no beginning that ends in "\\n\\nAssistant:"`,
      );
    }
    const prompt = preferred.slice(0, turn + ASSISTANT.length);
    const responseOf = (dialogue: string, field: string): string => {
      const response = refuseEmpty(dialogue.slice(prompt.length), row.where, `the response of "${field}"`);
      if (!response.includes(HUMAN) && !response.includes(ASSISTANT)) return response;
      throw new UnusableRowError(row.where, `"${field}" goes on with another turn where the two begin to differ`);
    };
    return { prompt, preferred: responseOf(preferred, name), rejected: responseOf(rejected, "rejected") };
  },
};

/** Characters that two texts have in common at their beginning. */
function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
