import { describe, expect, test } from "@jest/globals";
import { datasetSource } from "../../../src/drpo/resets/dataset-source.js";
import type { ResetSource } from "../../../src/drpo/resets/reset-source.js";
import { uniformCut } from "../../../src/drpo/resets/uniform-cut.js";
import { wholePrefix } from "../../../src/drpo/resets/whole-prefix.js";
import { draw, EOS, resetSampler, RESPONSES, responseOf } from "./reset-fixtures.js";

const sourceOf = (...responses: ReturnType<typeof responseOf>[]) => datasetSource({ responses, seed: 1 });

describe("createResetSampler", () => {
  test("a prefix is the beginning of a response of the data, in token ids, and never the whole", async () => {
    for (const { prefix, sourceId, maxNewTokens } of await draw(resetSampler({}, { rows: 500 }))) {
      const source = RESPONSES.find(({ id }) => id === sourceId)!;
      expect(source.response.slice(0, prefix.length)).toEqual(prefix);
      expect(prefix.length).toBeLessThan(source.response.length);
      expect(prefix.length + maxNewTokens).toBe(5);
    }
  });

  test("proportion 0 is PPO: every rollout starts at the prompt with the whole budget", async () => {
    for (const reset of await draw(resetSampler({ proportion: 0 })))
      expect(reset).toMatchObject({ prefix: [], sourceId: null, maxNewTokens: 5 });
  });

  test("the proportion is the share of resets, and does not change which responses are drawn", async () => {
    const half = await draw(resetSampler({ proportion: 0.5 }, { rows: 4000 }));
    const all = await draw(resetSampler({}, { rows: 4000 }));
    const share = half.filter(({ sourceId }) => sourceId !== null).length / half.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.04);
    half.forEach((reset, row) => {
      if (reset.sourceId !== null) expect(reset).toEqual(all[row]);
    });
  });

  test("a response too short to be cut gives no reset under the released law", async () => {
    const resets = await draw(resetSampler({}, { source: sourceOf(responseOf("empty", [])) }));
    expect(resets.every(({ sourceId }) => sourceId === null)).toBe(true);
  });

  test("the prefix can be left out of the budget, as far as the context allows", async () => {
    const beside = { ...{ rows: 400, contextTokens: 12 }, selector: uniformCut("theory") };
    const resets = await draw(resetSampler({ prefixCountsInBudget: false }, beside));
    for (const { prompt, prefix, maxNewTokens } of resets) {
      expect(maxNewTokens).toBe(5);
      expect(prompt.length + prefix.length + maxNewTokens).toBeLessThanOrEqual(12);
    }
    expect(Math.max(...resets.map(({ prefix }) => prefix.length))).toBe(5);
  });

  test("several continuations share a reset point", async () => {
    expect(await draw(resetSampler({ continuations: 4 }, { rows: 8 }))).toHaveLength(2);
  });

  test.each([[EOS], [9]])(
    "without its end token %i, whichever it is, a response's last word is never given",
    async (end) => {
      const source = sourceOf({ ...responseOf("three", []), response: [3, 4, 5, end] });
      const options = { source, budget: 50, rows: 200, endTokenIds: [EOS, 9] };
      const longest = async (endOfSequenceCounts: boolean) => {
        const resets = await draw(resetSampler({ endOfSequenceCounts }, options));
        return Math.max(...resets.map(({ prefix }) => prefix.length));
      };
      expect([await longest(true), await longest(false)]).toEqual([3, 2]);
    },
  );

  test("without its end of sequence, a response's last word is never given", async () => {
    const source = sourceOf(responseOf("three", [3, 4, 5]));
    const longest = async (endOfSequenceCounts: boolean) => {
      const resets = await draw(resetSampler({ endOfSequenceCounts }, { source, budget: 50, rows: 200 }));
      return Math.max(...resets.map(({ prefix }) => prefix.length));
    };
    expect([await longest(true), await longest(false)]).toEqual([3, 2]);
  });

  test("a draw depends on the iteration and the row alone", async () => {
    const sampler = resetSampler({}, { rows: 16 });
    expect(await draw(resetSampler({}, { rows: 8 }))).toEqual((await draw(sampler)).slice(0, 8));
    expect(await draw(sampler, { iteration: 1 })).not.toEqual(await draw(sampler));
  });

  test("D_TR split over the iterations: every part is as large, none shares a response, and all are used", async () => {
    const responses = Array.from({ length: 12 }, (_, i) => responseOf(`r${i}`, [3, 4, 5]));
    const sampler = resetSampler({}, { source: datasetSource({ responses, parts: 4, seed: 3 }), rows: 200 });
    const seen = await Promise.all(
      [0, 1, 2, 3].map(
        async (iteration) => new Set((await draw(sampler, { iteration })).map(({ sourceId }) => sourceId)),
      ),
    );
    expect(seen.map(({ size }) => size)).toEqual([3, 3, 3, 3]);
    expect(new Set(seen.flatMap((part) => [...part])).size).toBe(12);
  });

  test("a condition spares rows, which then start at the prompt, and only rows that would be reset are asked about", async () => {
    const asked: number[] = [];
    const condition = (rows: readonly { readonly row: number }[]) => {
      asked.push(...rows.map(({ row }) => row));
      return Promise.resolve(rows.map(({ row }) => row % 2 === 0));
    };
    const resets = await draw(resetSampler({ proportion: 0.5 }, { condition, rows: 50 }));
    const plain = await draw(resetSampler({ proportion: 0.5 }, { rows: 50 }));
    expect(asked).toEqual(plain.filter(({ sourceId }) => sourceId !== null).map(({ row }) => row));
    resets.forEach((reset, row) => {
      if (row % 2 === 0) expect(reset).toEqual(plain[row]);
      else expect(reset).toMatchObject({ prefix: [], sourceId: null, maxNewTokens: 5 });
    });
  });

  test("a live source writes responses for the rows that are to be reset, and for no others", async () => {
    const written: number[] = [];
    const source: ResetSource = {
      open: () => Promise.resolve((random) => ({ prompt: [random.integer(1, 2)], response: null, id: "live" })),
      write: (candidates) => {
        written.push(...candidates.map(({ row }) => row));
        return Promise.resolve(candidates.map(({ prompt }) => [prompt[0]! + 2, 5, 6, EOS]));
      },
    };
    const resets = await draw(resetSampler({ proportion: 0.3 }, { source, rows: 60 }));
    expect(resets.filter(({ sourceId }) => sourceId !== null).map(({ row }) => row)).toEqual(written);
    expect(written.length).toBeGreaterThan(5);
    for (const { prompt, prefix, sourceId } of resets) {
      if (sourceId !== null) expect(prefix).toEqual([prompt[0]! + 2, 5, 6].slice(0, prefix.length));
    }
  });

  test("a pool's row is given whole, but leaves a token to write", async () => {
    const responses = [
      { id: "fits", prompt: [1], response: [3, 4] },
      { id: "long", prompt: [1], response: [3, 4, 5, 6, 7, 8] },
    ];
    const resets = await draw(
      resetSampler({}, { source: datasetSource({ responses, seed: 1 }), selector: wholePrefix }),
    );
    for (const { sourceId, prefix, maxNewTokens } of resets) {
      expect(prefix).toEqual(sourceId === "fits" ? [3, 4] : [3, 4, 5, 6]);
      expect(maxNewTokens).toBe(5 - prefix.length);
    }
  });
});
