import { expect, test } from "@jest/globals";
import { createWordTokenizer } from "../../src/testbed/word-tokenizer.js";

const tokenizer = createWordTokenizer(["good", "goods", " ", "bad", "<end>"]);

test("the longest word that fits, again and again", () => {
  expect(tokenizer.tokenize("goods bad<end>")).toEqual([1, 2, 3, 4]);
  expect(tokenizer.detokenize([0, 2, 3, 4], { skipSpecialTokens: true })).toBe("good bad");
  expect(tokenizer.detokenize([0, 4], { skipSpecialTokens: false })).toBe("good<end>");
});

test("the last word ends a response", () => {
  expect(tokenizer).toMatchObject({ eosTokenId: 4, vocabularySize: 5 });
});

test("text that no word begins", () => {
  expect(() => tokenizer.tokenize("good day")).toThrow(/"day"/);
});
