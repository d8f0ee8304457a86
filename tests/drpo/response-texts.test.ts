import { expect, test } from "@jest/globals";
import type { TokenIds } from "../../src/domain/token-ids.js";
import { responseTexts } from "../../src/drpo/response-texts.js";
import type { Tokenizer } from "../../src/ports/tokenizer.js";
import { createWordTokenizer } from "../../src/testbed/word-tokenizer.js";

const words = createWordTokenizer(["<user>", "two", " and", " three", "."]);
const asked: (readonly TokenIds[])[] = [];
const tokenizer = {
  detokenize: (rows: readonly TokenIds[]) => {
    asked.push(rows);
    return Promise.resolve(rows.map((row) => words.detokenize(row, { skipSpecialTokens: true })));
  },
} as Pick<Tokenizer, "detokenize"> as Tokenizer;

const known = { id: "g", promptText: "<user>two, whole", prompt: [0, 1], responses: [], reference: null };
const response = (prompt: TokenIds, tokens: TokenIds) => ({ prompt, response: tokens, ended: true, sourceId: null });

test("prompts have the text of the data, others and responses that of their tokens", async () => {
  const texts = responseTexts(tokenizer, [known], [4]);
  const responses = [response([1, 2], [3, 4]), response([0, 1], [2, 3, 4]), response([0], [1])];
  expect(await texts(responses)).toEqual([
    { ...responses[0], promptText: "two and", responseText: " three" },
    { ...responses[1], promptText: "<user>two, whole", responseText: " and three" },
    { ...responses[2], promptText: "<user>", responseText: "two" },
  ]);
  // One call for all responses, which go on from their prompts, and one for the prompts.
  expect(asked).toHaveLength(2);
  // " and" ends responses, too, and is an ordinary word elsewhere.
  const [ended] = await responseTexts(tokenizer, [known], [4, 2])([response([0, 1], [2, 3, 2])]);
  expect(ended).toMatchObject({ responseText: " and three" });
});
