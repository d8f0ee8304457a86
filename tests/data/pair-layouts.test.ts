import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ChatMessage } from "../../src/domain/preference-dataset.js";
import {
  createDataFolder,
  groupsOf,
  read,
  refusal,
  type DataFolder,
  type Row,
  type WrittenData,
} from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

type PairChanges = Partial<Omit<WrittenData & { kind: "pairs" }, "kind" | "path">>;

const pairs = async (rows: readonly Row[], changes: PairChanges = {}, name = "data.jsonl") => ({
  ...{ kind: "pairs" as const, heldOutShare: 0.3, ...changes },
  path: await folder.write(name, rows),
});

/** The group of a row among others that make both sides of the split. */
async function groupOf(row: Row, others: readonly Row[], changes?: PairChanges, name?: string) {
  const dataset = await read(await pairs([...others, row], changes, name));
  const groups = groupsOf(dataset);
  const plain = groupsOf(await read(await pairs(others, changes, name)));
  return groups.find(({ id }) => !plain.some((other) => other.id === id))!;
}

const textsOf = ({ responses }: Awaited<ReturnType<typeof groupOf>>) =>
  responses.map(({ text, rating }) => [text, rating]);

const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });

describe("messages", () => {
  const others = Array.from({ length: 40 }, (_, i) => ({
    ...{ chosen: [user(`Q${i}`), assistant("yes")], rejected: [user(`Q${i}`), assistant("no")] },
  }));

  test.each(["data.jsonl", "data.parquet"])(
    "as whole conversations that share their beginning, in %s",
    async (name) => {
      const shared = [{ role: "system", content: "Be brief." } as const, user("Hi"), assistant("Hello"), user("Why?")];
      const row = { chosen: [...shared, assistant("Because.")], rejected: [...shared, assistant("No idea.")] };
      const group = await groupOf(row, others, {}, name);
      expect(group.prompt).toEqual(shared);
      expect(textsOf(group)).toEqual([
        ["Because.", 1],
        ["No idea.", 0],
      ]);
    },
  );

  test("with a prompt of its own, and responses as messages or as text", async () => {
    const prompt = [user("Why?")];
    const asMessages = { prompt, chosen: [assistant("So.")], rejected: [assistant("Eh.")] };
    const first = await groupOf(asMessages, others);
    expect([first.prompt, textsOf(first)]).toEqual([
      prompt,
      [
        ["So.", 1],
        ["Eh.", 0],
      ],
    ]);
    const second = await groupOf({ prompt, preferred: "So.", rejected: "Eh." }, others);
    expect([second.prompt, textsOf(second)]).toEqual([first.prompt, textsOf(first)]);
  });

  test("with the user's words repeated in a prompt of text", async () => {
    const row = {
      prompt: "Why?",
      chosen: [user("Why?"), assistant("So.")],
      rejected: [user("Why?"), assistant("Eh.")],
    };
    expect((await groupOf(row, others)).prompt).toEqual([user("Why?")]);
  });

  const whole = (...messages: unknown[]) => ({ chosen: messages, rejected: [user("a"), assistant("b")] });
  test.each([
    [
      "a prompt of text that is no message",
      { prompt: "x", ...whole(user("a"), assistant("c")) },
      /"prompt" is no message/,
    ],
    [
      "other beginnings",
      whole(user("other"), assistant("c")),
      /"chosen" and "rejected" differ before their last message/,
    ],
    ["nothing before the response", whole(assistant("c")), /"chosen" has nothing before the response/],
    ["the user last", whole(user("a")), /"chosen" does not end in a message of the assistant/],
    ["an unknown role", whole({ role: "tool", content: "a" }, assistant("c")), /"chosen"\[0\] is not a message/],
    ["content that is no text", whole({ role: "user", content: ["a"] }), /"chosen"\[0\] is not a message/],
    ["an empty response", whole(user("a"), assistant(" ")), /the last message of "chosen" is empty/],
    [
      "two turns of the assistant",
      whole(user("a"), assistant("b"), assistant("c")),
      /the assistant's too; join the two/,
    ],
    ["no list", { chosen: "text", rejected: [] }, /"chosen" is not a list of messages/],
    [
      "a conversation beside a prompt",
      { prompt: [user("a")], chosen: [user("a"), assistant("c")], rejected: [assistant("b")] },
      /"chosen" is not one message of the assistant/,
    ],
  ])("with %s are refused, naming the line", async (_, row, message) => {
    const text = await refusal(await pairs([...others.slice(0, 2), row]));
    expect(text).toMatch(message);
    expect(text).toMatch(/data\.jsonl:3: /);
  });

  test("take no prompt template", async () => {
    expect(await refusal(await pairs(others, { layout: "messages", promptTemplate: "{prompt}" }))).toMatch(
      /data\.promptTemplate says nothing where data\.layout is "messages"/,
    );
  });
});

describe("hh", () => {
  const dialogue = (...turns: string[]) =>
    turns.map((turn, i) => `\n\n${i % 2 === 0 ? "Human" : "Assistant"}: ${turn}`).join("");
  const others = Array.from({ length: 40 }, (_, i) => ({
    ...{ chosen: dialogue(`Question ${i}`, "Yes."), rejected: dialogue(`Question ${i}`, "No.") },
  }));

  test("splits at the last turn of the assistant that both share", async () => {
    const group = await groupOf(
      { chosen: dialogue("Hi", "Hello", "Why?", "Because."), rejected: dialogue("Hi", "Hello", "Why?", "Beats me.") },
      others,
    );
    expect(group.prompt).toBe("\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why?\n\nAssistant:");
    expect(textsOf(group)).toEqual([
      [" Because.", 1],
      [" Beats me.", 0],
    ]);
  });

  test("one response may begin the other", async () => {
    const group = await groupOf({ chosen: dialogue("Hi", "Yes."), rejected: dialogue("Hi", "Yes. Or no.") }, others);
    expect(textsOf(group)).toEqual([
      [" Yes.", 1],
      [" Yes. Or no.", 0],
    ]);
  });

  test.each([
    ["another question", dialogue("Why?", "Yes."), dialogue("How?", "Yes."), /share no beginning that ends in/],
    ["an empty response", dialogue("Hi", ""), dialogue("Hi", "Yes."), /the response of "chosen" is empty/],
    ["another turn", dialogue("Hi", "a", "b", "c"), dialogue("Hi", "b"), /"chosen" goes on with another turn/],
    ["one response twice", dialogue("Hi", "a"), dialogue("Hi", "a"), /are the same text/],
  ])("with %s are unusable, naming the line", async (_, chosen, rejected, message) => {
    const rows = [...others, { chosen, rejected }];
    const text = await refusal(await pairs(rows));
    expect(text).toMatch(message);
    expect(text).toMatch(/data\.jsonl:41: .*set data\.unusableRows to "skip"/);
    const dataset = await read(await pairs(rows, { unusableRows: "skip" }));
    expect([groupsOf(dataset).length, dataset.skippedRows]).toEqual([40, 1]);
  });
});

describe("summarize-from-feedback", () => {
  const comparison = (id: string, choice: number, worker = "w1") => ({
    info: {
      id,
      subreddit: "tea",
      title: "Milk first",
      post: id === "t3_x" ? "I pour it in first." : `Post ${id}.`,
      article: null,
    },
    summaries: [
      { text: " Pours milk first. ", policy: "sup1" },
      { text: " Tea.", policy: "sup2" },
    ],
    ...{ choice, worker },
  });
  const others = Array.from({ length: 40 }, (_, i) => comparison(`t3_${i}`, i % 2));
  const prompt = "SUBREDDIT: r/tea\n\nTITLE: Milk first\n\nPOST: I pour it in first.\n\nTL;DR: ";

  test.each(["data.jsonl", "data.parquet"])(
    "has the paper's prompt, and its summaries stripped, in %s",
    async (name) => {
      const group = await groupOf(comparison("t3_x", 1), others, {}, name);
      expect(group.prompt).toBe(prompt);
      expect(textsOf(group)).toEqual([
        ["Tea.", 1],
        ["Pours milk first.", 0],
      ]);
    },
  );

  test("the space before a summary is the prompt's, or else the summary's", async () => {
    const group = await groupOf(comparison("t3_x", 0), others, { promptTemplate: "{post}\nTL;DR:" });
    expect(group.prompt).toBe("I pour it in first.\nTL;DR:");
    expect(textsOf(group)[0]).toEqual([" Pours milk first.", 1]);
  });

  test("an article is its own prompt", async () => {
    const row = { ...comparison("a1", 0), info: { id: "a1", article: "Tea is up." } };
    expect((await groupOf(row, others)).prompt).toBe("Tea is up.\n\nTL;DR: ");
  });

  test("judgements of one post are on one side, and alike ones of two people are two", async () => {
    const rows = others.flatMap(({ info }, i) => [
      comparison(info.id, i % 2, "w1"),
      comparison(info.id, i % 2, "w2"),
      comparison(info.id, 1 - (i % 2), "w3"),
    ]);
    const { train, heldOut } = await read(await pairs(rows));
    const postOf = ({ id }: { readonly id: string }) => id.split("/")[0]!;
    const [trained, held] = [new Set(train.map(postOf)), new Set(heldOut.map(postOf))];
    expect([train.length, heldOut.length]).toEqual([3 * trained.size, 3 * held.size]);
    expect(trained.size + held.size).toBe(40);
    expect(await refusal(await pairs([...rows, rows[0]!]))).toMatch(
      /data\.jsonl:121: the row repeats .*data\.jsonl:1;/,
    );
  });

  const good = comparison("t3_x", 0);
  test.each([
    ["a choice of neither", { ...good, choice: 2 }, /"choice" is 2, not 0 or 1/],
    ["no choice", { ...good, choice: undefined }, /"choice" is missing/],
    ["three summaries", { ...good, summaries: [{ text: "a" }, { text: "b" }, { text: "c" }] }, /not a list of two/],
    ["a summary without text", { ...good, summaries: [{}, { text: "b" }] }, /"summaries"\[0\]: the row has no "text"/],
    [
      "no post",
      { ...good, info: { id: "x", title: "t", subreddit: "s" } },
      /"info": the row has no "post", a field of its prompt/,
    ],
    ["no info", { ...good, info: "t3_x" }, /"info" is not an object/],
  ])("with %s are refused, naming the line", async (_, row, message) => {
    const text = await refusal(await pairs([...others.slice(0, 2), row]));
    expect(text).toMatch(message);
    expect(text).toMatch(/data\.jsonl:3(:|,)/);
  });
});

describe("the layout of the first row", () => {
  test("that could be one of two must be named", async () => {
    const row = { prompt: "P", chosen: "\n\nHuman: a\n\nAssistant: b", rejected: "\n\nHuman: a\n\nAssistant: c" };
    expect(await refusal(await pairs([row]))).toMatch(
      /data\.jsonl:1: the row could be of layout "pairs" or "hh"; set data\.layout to one of them/,
    );
    expect(await refusal(await pairs([row], { layout: "hh" }))).toMatch(/data\.jsonl:1: the row has a "prompt"/);
    const others = Array.from({ length: 30 }, (_, i) => ({ ...row, prompt: `P${i}` }));
    const group = await groupOf(row, others, { layout: "pairs" });
    expect([group.prompt, textsOf(group)[0]]).toEqual(["P", [row.chosen, 1]]);
  });

  test("that is none is refused with the fields of all", async () => {
    const message = await refusal(await pairs([{ question: "a", answer: "b" }]));
    expect(message).toMatch(/data\.jsonl:1: the fields question, answer are those of no layout\. Set data\.layout/);
    expect(message).toMatch(/pairs: .*messages: .*hh: .*summarize-from-feedback: /);
  });
});
