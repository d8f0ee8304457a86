import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { dataSchema } from "../../src/config/data.js";
import { shortenPrompt, tokenizeKnownPrompts } from "../../src/stages/tokenize-prompts.js";
import { connectToTestbed } from "../rpc/testbed-connection.js";

test("a prompt of the run's data has its own tokens, another those of its text", async () => {
  const connection = await connectToTestbed({ beginTokens: "c" });
  const { tokenizer } = connection.server;
  const chat = { id: "1", promptText: "ab", prompt: [2, 3, 1], responses: [], reference: null };
  const run = {
    server: { tokenizer },
    recipe: { data: dataSchema.parse({ kind: "pairs", path: "/data/pairs.jsonl" }) },
    data: { train: [chat], heldOut: [] },
    evaluationGroups: [],
  };
  expect(await tokenizeKnownPrompts(run, ["ab", "a", "ab", "a"], {})).toEqual([
    [2, 3, 1],
    [2, 0],
    [2, 3, 1],
    [2, 0],
  ]);
  await connection.end();
});

test("a shortened prompt has its begin tokens, its last tokens, and as many as fit", () => {
  const tokens = fc.array(fc.integer({ min: 10, max: 99 }), { minLength: 1, maxLength: 12 });
  const begin = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 });
  fc.assert(
    fc.property(tokens, begin, fc.integer({ min: 2, max: 14 }), (body, begin, count) => {
      const prompt = [...begin, ...body];
      const short = shortenPrompt(prompt, count, begin);
      expect(short).toHaveLength(Math.min(prompt.length, count));
      expect(short.slice(0, begin.length)).toEqual(begin);
      const rest = short.slice(begin.length);
      expect(body.slice(body.length - rest.length)).toEqual(rest);
    }),
  );
});
