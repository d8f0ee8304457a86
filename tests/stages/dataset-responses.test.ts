import { describe, expect, test } from "@jest/globals";
import type { TokenizedGroup } from "../../src/domain/tokenized-dataset.js";
import { datasetResponses, type ResponseChoice } from "../../src/stages/dataset-responses.js";
import { promptsToAnswer } from "../../src/stages/prompts-to-answer.js";

const response = (id: string, rating: number) => ({ id, rating, prompt: promptOf(id), response: [2, 0] });
/** Each group has its own. */
const promptOf = (id: string) => [id.charCodeAt(0)];

const group = (id: string, ratings: readonly number[], hasReference: boolean): TokenizedGroup => ({
  ...{ id, promptText: id, prompt: promptOf(id) },
  responses: ratings.map((rating, i) => response(`${id}${i}`, rating)),
  reference: hasReference ? response(`${id}-reference`, 1) : null,
});

const pair = group("a", [0, 1], false);
const ranked = group("b", [3, 1, 3], false);
const reference = group("c", [], true);
const pairWithReference = group("d", [1, 0], true);

const chosen = (groups: readonly TokenizedGroup[], choice: ResponseChoice) =>
  datasetResponses(groups, choice).map(({ id }) => id);

describe("the responses that a recipe chooses", () => {
  test("reference: the references, and nothing else where there are some", () => {
    const groups = [pair, reference, ranked, pairWithReference];
    expect(chosen(groups, { field: "reference" })).toEqual(["c-reference", "d-reference"]);
  });

  test("reference: the preferred ones where the data names no reference", () => {
    expect(chosen([pair, ranked], { field: "reference" })).toEqual(["a1", "b0", "b2"]);
  });

  test("preferred: the best-rated of each group", () => {
    expect(chosen([pair, reference, ranked, pairWithReference], { field: "preferred" })).toEqual([
      ...["a1", "b0", "b2", "d0"],
    ]);
  });

  test("any: all rated ones above a rating; a reference is not rated", () => {
    expect(chosen([pair, reference, ranked], { field: "any" })).toEqual(["a0", "a1", "b0", "b1", "b2"]);
    expect(chosen([pair, reference, ranked], { field: "any", minRating: 1 })).toEqual(["b0", "b2"]);
  });
});

describe("the prompts that a policy is judged on", () => {
  test("are those with a reference, or all where there is none", () => {
    expect(promptsToAnswer([pair, reference, ranked, pairWithReference])).toEqual([reference, pairWithReference]);
    expect(promptsToAnswer([pair, ranked])).toEqual([pair, ranked]);
  });

  test("are each there once, though several comparisons are about one", () => {
    const again = { ...ranked, prompt: pair.prompt };
    expect(promptsToAnswer([pair, again, ranked])).toEqual([pair, ranked]);
  });
});
