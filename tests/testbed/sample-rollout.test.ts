import { describe, expect, test } from "@jest/globals";
import { drawToken, sampleRollout } from "../../src/testbed/sample-rollout.js";
import { logSoftmax } from "../../src/testbed/softmax.js";
import { Table, everyContext } from "../../src/testbed/table.js";

const ALL = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [2] };
const logprobs = [0.5, 0.2, 0.3].map(Math.log);

describe("a token", () => {
  test("is where the cumulative distribution passes the noise, tokens in their order", () => {
    expect([0, 0.49, 0.51, 0.69, 0.71, 0.999].map((noise) => drawToken(logprobs, ALL, noise))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
  });

  test("of the likeliest topK, or of the smallest set with topP", () => {
    const noises = [0, 0.6, 0.7, 0.999];
    expect(noises.map((noise) => drawToken(logprobs, { ...ALL, topK: 1 }, noise))).toEqual([0, 0, 0, 0]);
    expect(noises.map((noise) => drawToken(logprobs, { ...ALL, topP: 0.6 }, noise))).toEqual([0, 0, 2, 2]);
    expect(noises.map((noise) => drawToken(logprobs, { ...ALL, topP: 0.5 }, noise))).toEqual([0, 0, 0, 0]);
  });

  test("always exists", () => {
    expect(drawToken([0, -Infinity], ALL, 1 - 2 ** -53)).toBe(0);
  });
});

describe("a rollout", () => {
  const table = new Table(everyContext((context) => [context.length * 0.1, 0.3, -0.2]));
  const write = (seed: bigint, params = ALL) =>
    sampleRollout(table, { tokens: [0], maxNewTokens: 4, firstPosition: 0 }, seed, params);
  const seeds = Array.from({ length: 4000 }, (_, i) => BigInt(i));

  test("ends with a stop token or at its length", () => {
    for (const { tokens, finishReason } of seeds.slice(0, 200).map((seed) => write(seed))) {
      expect(tokens.slice(0, -1)).not.toContain(2);
      expect(finishReason).toBe(tokens.at(-1) === 2 ? "stop" : "length");
      expect(finishReason === "stop" || tokens.length === 4).toBe(true);
    }
  });

  test("is drawn from the policy at its temperature, and its log-probabilities are at that temperature", () => {
    const params = { ...ALL, temperature: 0.5 };
    const first = seeds.map((seed) => write(seed, params));
    const exact = logSoftmax(table.read([0]), 0.5);
    for (const token of [0, 1, 2]) {
      const share = first.filter(({ tokens }) => tokens[0] === token).length / seeds.length;
      const deviation = Math.sqrt((Math.exp(exact[token]!) * (1 - Math.exp(exact[token]!))) / seeds.length);
      expect(Math.abs(share - Math.exp(exact[token]!))).toBeLessThan(4 * deviation);
    }
    expect(first[0]!.logprobs[0]).toBe(exact[first[0]!.tokens[0]!]);
  });
});
