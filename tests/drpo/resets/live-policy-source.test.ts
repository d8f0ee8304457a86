import { expect, test } from "@jest/globals";
import { livePolicySource } from "../../../src/drpo/resets/live-policy-source.js";
import { Random } from "../../../src/math/random.js";
import { tabularModels } from "../../../src/testbed/tabular-models.js";
import { everyContext } from "../../../src/testbed/table.js";

const [EOS, GUIDES_END, UNKNOWN] = [3, 4, 5];

/** What a guide that always writes these tokens gives to reset into. */
async function written(...tokens: number[]) {
  const models = tabularModels();
  const rule = everyContext((context) =>
    [0, 1, 2, 3, 4, 5].map((token) => (tokens[context.length - 1] === token ? 50 : 0)),
  );
  const guide = models.create({ name: "guide", head: "language-model", rule, trainable: false });
  const source = livePolicySource({
    sampler: models.sampler,
    prompts: [{ id: "p", promptText: "?", prompt: [0], responses: [], reference: null }],
    writer: () => guide,
    params: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [EOS, GUIDES_END] },
    tokenizerInfo: { vocabularySize: 5, endTokenIds: [EOS], eosTokenId: EOS },
    budget: 4,
    seed: 1,
  });
  const context = { iteration: 0, models: { policy: guide, critic: null, reference: guide } };
  const draw = await source.open(context);
  const { prompt, id } = draw(new Random(1n));
  const [response] = await source.write!([{ row: 0, prompt, id, response: null }], context);
  return response;
}

test.each([
  ["ends as the policy's do", [1, 2, EOS], [1, 2, EOS]],
  ["ends with the guide's own token", [1, 2, GUIDES_END], [1, 2, EOS]],
  ["is cut off", [1, 2, 1, 2], [1, 2, 1, 2]],
  ["holds a token that the policy does not have", [1, UNKNOWN, 2, EOS], [1]],
  ["begins with such a token", [UNKNOWN, 1, 2, EOS], []],
])("a guide's response that %s", async (_what, tokens, expected) => {
  expect(await written(...tokens)).toEqual(expected);
});
