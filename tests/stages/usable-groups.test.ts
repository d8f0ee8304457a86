import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { PreferenceGroup } from "../../src/domain/preference-dataset.js";
import type { TokenizedGroup } from "../../src/domain/tokenized-dataset.js";
import type { RowReader } from "../../src/stages/row-readers.js";
import {
  refuseNothingLeft,
  refuseUnfit,
  type RowRules,
  usableGroups,
  usablePool,
} from "../../src/stages/usable-groups.js";
import { connectToTestbed } from "../rpc/testbed-connection.js";

const VOCABULARY = 50;
const EOS = 49;
const base: RowReader = {
  ...{ name: "the base", contextTokens: 40, vocabularySize: VOCABULARY },
  ...{ templateTokens: 0, needsPrompt: true, readsEnd: true },
};
/** Reads 3 tokens more, and has a shorter context. */
const rewardModel: RowReader = {
  ...{ name: "the reward model", contextTokens: 36, vocabularySize: VOCABULARY - 2 },
  ...{ templateTokens: 3, needsPrompt: true, readsEnd: false },
};
const rules = (...readers: RowReader[]): RowRules => ({ readers: [base, ...readers], maxTokens: 8 });

const tokens = (length: number, token = 1) => new Array<number>(length).fill(token);

interface Row {
  readonly prompt: readonly number[];
  readonly responses: readonly (readonly number[])[];
}

/** Each row a group of its own, as pairs are read. */
function asPairs(rows: readonly Row[]): readonly [PreferenceGroup[], TokenizedGroup[]] {
  const id = (i: number) => `row-${i}`;
  const read = rows.map(({ responses }, i) => ({
    ...{ id: id(i), where: `/data/pairs.jsonl:${i + 1}`, prompt: "P", reference: null },
    responses: responses.map((_, j) => ({ id: `${i}/${j}`, text: "T", rating: 1 - j })),
  }));
  const tokenized = rows.map(({ prompt, responses }, i) => ({
    ...{ id: id(i), promptText: "P", prompt, reference: null },
    responses: responses.map((response, j) => ({
      id: `${i}/${j}`,
      prompt,
      rating: 1 - j,
      response: [...response, EOS],
    })),
  }));
  return [read, tokenized];
}

const good: fc.Arbitrary<Row> = fc.record({
  prompt: fc.integer({ min: 1, max: 12 }).map((length) => tokens(length)),
  responses: fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
    .map((lengths) => lengths.map((length) => tokens(length, 2))),
});

/** A row with one fault. */
const bad: fc.Arbitrary<Row> = fc
  .tuple(
    good,
    fc.constantFrom("no prompt", "long prompt", "unknown in prompt", "long", "empty", "unknown"),
    fc.boolean(),
  )
  .map(([row, fault, first]) => {
    const { prompt, responses } = row;
    const replaced = (response: readonly number[]) => (first ? [response, responses[1]!] : [responses[0]!, response]);
    switch (fault) {
      case "no prompt":
        return { ...row, prompt: [] };
      case "long prompt":
        return { ...row, prompt: tokens(33) };
      case "unknown in prompt":
        return { ...row, prompt: [...prompt, VOCABULARY] };
      case "long":
        return { ...row, responses: replaced(tokens(41 - prompt.length, 2)) };
      case "empty":
        return { ...row, responses: replaced([]) };
      default:
        return { ...row, responses: replaced([VOCABULARY + 7, 1]) };
    }
  });

test("what is left out is exactly the rows with a fault, wherever they are, and the first of them is named", async () => {
  const connection = await connectToTestbed();
  const { tokenizer } = connection.server;
  try {
    const rows = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: good.map((row) => ({ row, isGood: true })) },
        bad.map((row) => ({ row, isGood: false })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(rows, async (all) => {
        const [read, tokenized] = asPairs(all.map(({ row }) => row));
        const usable = usableGroups(read, tokenized, rules());
        expect(usable.groups).toEqual(tokenized.filter((_, i) => all[i]!.isGood));
        expect(usable.rows).toBe(all.length);
        const faulty = all.flatMap(({ isGood }, i) => (isGood ? [] : [`/data/pairs.jsonl:${i + 1}`]));
        expect(usable.unfit.map(({ where }) => where)).toEqual(faulty);

        const rule = { section: "data", tokenizer } as const;
        const note = await refuseUnfit("data", usable, { ...rule, unusableRows: "skip" });
        const message: unknown = await refuseUnfit("data", usable, { ...rule, unusableRows: "refuse" }).catch(
          (error: unknown) => (error as Error).message,
        );
        if (faulty.length === 0) expect([note, message]).toEqual([null, null]);
        else {
          expect(note).toContain(`${faulty.length} of ${all.length} rows`);
          expect(message).toContain(`${faulty[0]}: `);
          expect(message).toContain('data.unusableRows to "skip"');
          if (faulty.length > 1) expect(message).toContain(`the first of ${faulty.length} rows`);
        }
      }),
      { numRuns: 60 },
    );
  } finally {
    await connection.end();
  }
});

test("the limits of every reader count: its template, its context and its embeddings", () => {
  const fault = (row: Row, ...readers: RowReader[]) => {
    const [read, tokenized] = asPairs([row]);
    return usableGroups(read, tokenized, rules(...readers)).unfit[0]?.fault.problem;
  };
  const row = { prompt: tokens(10), responses: [tokens(24), tokens(2)] };
  expect(fault(row)).toBeUndefined();
  expect(fault(row, rewardModel)).toBe(
    "the preferred response has 24 tokens, 37 with its prompt and the template: more than the reward model's context of 36",
  );
  expect(fault(row, { ...rewardModel, needsPrompt: false })).toBeUndefined();
  expect(fault({ ...row, responses: [tokens(2), tokens(2, 48)] }, rewardModel)).toBe(
    "the rejected response holds token 48, and the reward model has embeddings for tokens 0 to 47 only",
  );
  expect(fault({ prompt: tokens(26), responses: [[1], [2]] }, rewardModel)).toMatch(
    /the prompt has 26 tokens; with response\.maxTokens = 8 and 3 of its template it does not fit the reward model's context of 36/,
  );
});

/** One prompt, whose responses have a row each. */
const rated = (lengths: readonly number[]): readonly [PreferenceGroup[], TokenizedGroup[]] => [
  [
    {
      ...{ id: "rated", prompt: "P", reference: null },
      responses: lengths.map((_, i) => ({
        id: `r${i}`,
        text: "T",
        rating: i % 2,
        where: `/data/rated.jsonl:${i + 1}`,
      })),
    },
  ],
  [
    {
      ...{ id: "rated", promptText: "P", prompt: [1], reference: null },
      responses: lengths.map((length, i) => ({
        ...{ id: `r${i}`, prompt: [1], rating: i % 2, response: [...tokens(length), EOS] },
      })),
    },
  ],
];

test("of rated data each response is left out by itself", () => {
  const [read, tokenized] = rated([3, 60, 4, 5, 60]);
  const { groups, unfit, rows } = usableGroups(read, tokenized, rules());
  expect(groups[0]!.responses.map(({ id }) => id)).toEqual(["r0", "r2", "r3"]);
  expect(unfit.map(({ where }) => where)).toEqual(["/data/rated.jsonl:2", "/data/rated.jsonl:5"]);
  expect(rows).toBe(5);
});

test("a prompt of the recipe is no row to skip, and a side must keep a preference", async () => {
  const connection = await connectToTestbed();
  const rule = { section: "data", unusableRows: "skip", tokenizer: connection.server.tokenizer } as const;
  try {
    const [read, [group]] = rated([3, 4]);
    const withLongPrompt = usableGroups(read, [{ ...group!, prompt: tokens(33) }], rules());
    await expect(refuseUnfit("data", withLongPrompt, rule)).rejects.toThrow(/^data\.prompt: the prompt has 33 tokens/);
    const [others, before] = rated([3, 60, 4, 60]);
    const oneRating = usableGroups(others, before, rules());
    await expect(refuseNothingLeft("training", before, oneRating, rule)).rejects.toThrow(
      /2 of the 4 rows of the training side do not fit, and without them it has no preference.*rated\.jsonl:2/,
    );
  } finally {
    await connection.end();
  }
});

test("of a pool, prompts must leave room and tokens be known; long responses are cut anyway", () => {
  const row = (id: string, prompt: readonly number[], response: readonly number[]) => ({ id, prompt, response });
  const pool = [row("good", [1], tokens(90)), row("long", tokens(33), [1]), row("unknown", [1], [1, 77])];
  const { pool: usable, unfit } = usablePool(pool, rules());
  expect(usable.map(({ id }) => id)).toEqual(["good"]);
  expect(unfit.map(({ where }) => where)).toEqual(["The pool's row long", "The pool's row unknown"]);
});
