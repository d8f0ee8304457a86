import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { directoryAnswerCache } from "../../src/cache/directory-answer-cache.js";
import { BadInputError, EnvironmentError, InterruptedError, ServerUnavailableError } from "../../src/errors.js";
import { judgeTemplate } from "../../src/judge/judge-template.js";
import { createOpenaiJudge } from "../../src/judge/openai-judge.js";
import { openaiJudgeOptions } from "../../src/judge/openai-judge-options.js";
import type { Clock } from "../../src/ports/clock.js";
import type { Comparison, Judge, JudgeCallOptions, Judgement } from "../../src/ports/judge.js";
import { createManualClock, impatientClock } from "../rpc/manual-clock.js";
import {
  fails,
  prefersTheLonger,
  says,
  shownIn,
  startChatServer,
  TEMPLATE,
  type ChatServer,
  type Handler,
} from "./chat-server.js";

let server: ChatServer;
let folder: string;
beforeEach(async () => {
  server = await startChatServer();
  folder = await mkdtemp(join(tmpdir(), "drpo-judge-"));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

interface Circumstances {
  readonly clock?: Clock;
  readonly token?: string;
  readonly template?: string;
}

/** A judge as each process would have it: what it shares with another one is the folder. */
function newJudge(
  options: object = {},
  { clock = impatientClock, token, template = TEMPLATE }: Circumstances = {},
): Judge {
  const parsed = openaiJudgeOptions.parse({
    ...{ kind: "openai", model: "judge", template: "t.txt", baseUrl: server.url, timeoutMs: 60_000 },
    ...options,
  });
  return createOpenaiJudge(parsed, {
    ...{ token, where: "evaluation.judges[0]", template: judgeTemplate(template, "t.txt") },
    ...{ cache: directoryAnswerCache({ directory: folder }), clock, random: () => 0.5 },
  });
}

/** Rows whose better response is the longer one: the first of row 0, the second of row 1, and so on. */
const rows = (count: number): readonly Comparison[] =>
  Array.from({ length: count }, (_, row) => {
    const [long, short] = [`row ${row} at length`, `row ${row}`];
    return { prompt: `P${row}`, first: row % 2 === 0 ? long : short, second: row % 2 === 0 ? short : long };
  });
const verdictsOf = (judgements: readonly Judgement[]) => judgements.map(({ verdict }) => verdict);
const RIGHT = ["first", "second", "first", "second", "first", "second"] as const;

/** Its error, which is not there if it succeeds. */
const errorOf = async (judging: Promise<unknown>): Promise<Error> =>
  judging.then(
    () => expect("it").toBe("a failure"),
    (error: unknown) => error,
  ) as Promise<Error>;

async function nextWait(clock: ReturnType<typeof createManualClock>): Promise<number> {
  for (;;) {
    const wait = clock.waiting.find((delay) => delay !== 60_000);
    if (wait !== undefined) return wait;
    await new Promise(setImmediate);
  }
}

/** Turns of the event loop. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

/** Everything that is on disk. */
async function keptFiles(): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map((path) => readFile(path, "utf8")));
}

describe("a judge", () => {
  test("asks for each pair in both orders, by the template, and keeps what is said", async () => {
    const progress: number[] = [];
    const judgements = await newJudge({ body: { seed: 3 } }).compare(rows(2), {
      onProgress: (done) => progress.push(done),
    });
    expect(verdictsOf(judgements)).toEqual(["first", "second"]);
    expect(judgements[1]!.answers).toEqual([
      { firstShown: "first", preferred: "second", text: "Comparison: one is longer.\nPreferred: B" },
      { firstShown: "second", preferred: "second", text: "Comparison: one is longer.\nPreferred: A" },
    ]);
    expect(progress).toEqual([1, 2]);
    expect(server.requests).toHaveLength(4);
    expect(server.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: {
        ...{ model: "judge", temperature: 0, max_tokens: 256, seed: 3 },
        messages: [{ role: "user", content: "Prompt: P0\nA: row 0 at length\nB: row 0" }],
      },
    });
    expect(server.requests[0]!.headers).not.toHaveProperty("authorization");
  });

  test("that always likes what it sees first gives ties", async () => {
    server.always(says("Preferred: A"));
    expect(verdictsOf(await newJudge().compare(rows(2)))).toEqual(["tie", "tie"]);
  });

  test("is not asked whether a text is better than itself, nor the same twice", async () => {
    const same = { prompt: "P", first: "x", second: "x" };
    const [row] = rows(1);
    expect(verdictsOf(await newJudge().compare([same, row!, row!]))).toEqual(["tie", "first", "first"]);
    expect(server.requests).toHaveLength(2);
    expect(await newJudge().compare([])).toEqual([]);
  });

  test("has the name of its model, or its own", () => {
    expect(newJudge().name).toBe("judge");
    expect(newJudge({ name: "strict" }).name).toBe("strict");
  });

  test("is asked again where its answer states nothing, with what it said", async () => {
    server.next(says("Both have their strengths."));
    const [judgement] = await newJudge({ concurrency: 1 }).compare(rows(1));
    expect(judgement!.verdict).toBe("first");
    expect(judgement!.answers.map(({ firstShown, preferred }) => [firstShown, preferred])).toEqual([
      ["first", null],
      ["first", "first"],
      ["second", "first"],
    ]);
    expect(server.requests[1]!.body.messages.slice(1)).toEqual([
      { role: "assistant", content: "Both have their strengths." },
      { role: "user", content: expect.stringContaining('Preferred: "A"') },
    ]);
  });

  test("whose answers can never be read leaves the row unjudged, and what it said is kept", async () => {
    const mumbles: Handler = (request, answer) =>
      (shownIn(request).a.includes("row 1") ? says("Hm.") : prefersTheLonger)(request, answer);
    server.always(mumbles);
    const judgements = await newJudge({ reAsks: 2 }).compare(rows(3));
    expect(verdictsOf(judgements)).toEqual(["first", null, "first"]);
    expect(judgements[1]!.answers.map(({ text }) => text)).toEqual(new Array(6).fill("Hm."));
    const asked = server.requests.length;
    expect(asked).toBe(2 + 6 + 2);
    // A repeated evaluation does not hope for more.
    expect(await newJudge({ reAsks: 2 }).compare(rows(3))).toEqual(judgements);
    expect(server.requests).toHaveLength(asked);
  });
});

describe("an endpoint that fails now and then", () => {
  const dropped: Handler = (_, answer) => answer.socket!.destroy();
  const droppedHalfway: Handler = (_, answer) => {
    answer.writeHead(200, { "content-length": "100" }).write('{"choices":');
    answer.socket!.destroySoon();
  };

  test.each<[string, Handler]>([
    ["429", fails(429)],
    ["500", fails(500, {}, "oops")],
    ["rubbish instead of JSON", fails(200, {}, "<html>busy</html>")],
    ["JSON that is no completion", fails(200, {}, '{"error": "overloaded"}')],
    ["no choices", fails(200, {}, '{"choices": []}')],
    ["a connection that is closed without an answer", dropped],
    ["a connection that is closed within an answer", droppedHalfway],
  ])("%s: no verdict is lost or counted twice", async (_what, failure) => {
    server.next(failure, prefersTheLonger, failure, prefersTheLonger, prefersTheLonger, failure);
    const judgements = await newJudge({ concurrency: 3 }).compare(rows(6));
    expect(verdictsOf(judgements)).toEqual(RIGHT);
    expect(judgements.flatMap(({ answers }) => answers)).toHaveLength(12);
    expect(server.requests).toHaveLength(12 + 3);
    expect(await keptFiles()).toHaveLength(12);
  });

  test("waits as long as Retry-After asks for", async () => {
    const clock = createManualClock();
    server.next(fails(429, { "retry-after": "7" }));
    const judging = newJudge({ concurrency: 1 }, { clock }).compare(rows(1));
    expect(await nextWait(clock)).toBe(7000);
    clock.advance(7000);
    expect(verdictsOf(await judging)).toEqual(["first"]);
    expect(clock.waiting).toEqual([]);
  });

  test("that is slow is waited for, and after timeoutMs asked again", async () => {
    const clock = createManualClock();
    const silence = new Promise<void>((resolve) => server.next(() => resolve()));
    const judging = newJudge({ concurrency: 1, timeoutMs: 60_000 }, { clock }).compare(rows(2));
    await silence;
    clock.advance(59_999);
    expect(clock.waiting).toEqual([1]);
    clock.advance(1);
    clock.advance(await nextWait(clock));
    expect(verdictsOf(await judging)).toEqual(["first", "second"]);
    expect(server.requests).toHaveLength(5);
  });

  test("answers late and out of order: each answer is its own question's", async () => {
    const held: (() => void)[] = [];
    server.always((request, answer) => {
      held.push(() => prefersTheLonger(request, answer));
      if (held.length === 4) while (held.length > 0) held.pop()!();
    });
    expect(verdictsOf(await newJudge({ concurrency: 4 }).compare(rows(6)))).toEqual(RIGHT);
    expect(server.requests).toHaveLength(12);
  });

  test("is never asked more at a time than concurrency says", async () => {
    let [now, most] = [0, 0];
    server.always((request, answer) => {
      most = Math.max(most, ++now);
      void ticks(20).then(() => {
        now--;
        prefersTheLonger(request, answer);
      });
    });
    await newJudge({ concurrency: 3 }).compare(rows(6));
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe("an endpoint that will not do", () => {
  test("503 again and again is given up; what was answered is kept, and asked for no more", async () => {
    const down: Handler = (request, answer) =>
      (shownIn(request).a.includes("row 3") ? fails(503, {}, "busy") : prefersTheLonger)(request, answer);
    server.always(down);
    const error = await errorOf(newJudge({ concurrency: 1, maxAttempts: 3 }).compare(rows(6)));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(
      /^evaluation\.judges\[0\]: http:.*\/v1\/chat\/completions answered 503, "busy"; attempts made: 3\. .*\n3 of 6 comparisons are judged, and every answer is kept/,
    );
    expect(server.requests).toHaveLength(6 + 3);
    server.always(prefersTheLonger);
    expect(verdictsOf(await newJudge().compare(rows(6)))).toEqual(RIGHT);
    expect(server.requests).toHaveLength(9 + 6);
  });

  test.each<[number, RegExp]>([
    [401, /answered 401, "no"\. Set the environment variable that keyEnv names/],
    [404, /answered 404, "no"\. Correct baseUrl, model/],
    [400, /answered 400, "no"\. Correct baseUrl, model/],
  ])("%d is not asked again", async (status, message) => {
    server.always(fails(status, {}, "no"));
    const error = await errorOf(newJudge({ concurrency: 1 }).compare(rows(3)));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error).not.toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(message);
    expect(server.requests).toHaveLength(1);
  });

  test("what is under way when one request fails is answered and kept", async () => {
    // The first fails while the second has not been answered yet.
    server.next(
      (request, answer) => void server.reaches(2).then(() => fails(400)(request, answer)),
      (request, answer) => void ticks(20).then(() => prefersTheLonger(request, answer)),
    );
    await errorOf(newJudge({ concurrency: 2 }).compare(rows(2)));
    expect(server.requests).toHaveLength(2);
    expect(await keptFiles()).toHaveLength(1);
  });
});

describe("limits", () => {
  test("a budget that is used up stops it, and another one goes on", async () => {
    const error = await errorOf(newJudge({ concurrency: 2, maxCalls: 5 }).compare(rows(6)));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatch(
      /^evaluation\.judges\[0\]: the budget of maxCalls = 5 is used up\. .*\n2 of 6 comparisons are judged/,
    );
    expect(server.requests).toHaveLength(5);
    expect(verdictsOf(await newJudge({ maxCalls: 7 }).compare(rows(6)))).toEqual(RIGHT);
    expect(server.requests).toHaveLength(12);
  });

  test("a budget is one for all that a judge compares, and repeated requests count", async () => {
    const judge = newJudge({ concurrency: 1, maxCalls: 3 });
    server.next(fails(500));
    await judge.compare(rows(1));
    expect((await errorOf(judge.compare(rows(2)))).message).toMatch(/1 of 2 comparisons are judged/);
    expect(server.requests).toHaveLength(3);
  });

  test("requestsPerMinute holds requests back, and an interrupt ends the wait", async () => {
    const user = new AbortController();
    const judging = newJudge({ requestsPerMinute: 1 }).compare(rows(2), { signal: user.signal });
    await server.reaches(1);
    while ((await keptFiles()).length < 1) await new Promise(setImmediate);
    expect(server.requests).toHaveLength(1);
    user.abort();
    expect(await errorOf(judging)).toBeInstanceOf(InterruptedError);
    expect(server.requests).toHaveLength(1);
  });
});

describe("kept answers", () => {
  test("serve a repeated evaluation, which asks nothing", async () => {
    const judgements = await newJudge().compare(rows(3));
    server.always(fails(500));
    expect(await newJudge({ concurrency: 1, maxAttempts: 1 }).compare(rows(3))).toEqual(judgements);
    expect(server.requests).toHaveLength(6);
  });

  test("say who was asked what, and who answered", async () => {
    await newJudge({ concurrency: 1 }).compare(rows(1));
    const [one] = (await keptFiles()).map((text) => JSON.parse(text) as { text: string; about: object });
    expect(one).toMatchObject({
      text: expect.stringContaining("Preferred:"),
      about: {
        ...{ url: `${server.url}/chat/completions`, attempt: 0, answeredBy: "judge-0613", completionTokens: 3 },
        request: { model: "judge", temperature: 0, messages: [{ content: expect.stringContaining("P0") }] },
      },
    });
  });

  test.each<[string, object, Circumstances, Partial<Comparison>]>([
    ["model", { model: "other" }, {}, {}],
    ["temperature", { temperature: 0.5 }, {}, {}],
    ["length", { maxTokens: 99 }, {}, {}],
    ["field of the request", { body: { seed: 4 } }, {}, {}],
    ["template", {}, { template: `Please. ${TEMPLATE}` }, {}],
    ["prompt", {}, {}, { prompt: "P9" }],
    ["response", {}, {}, { second: "row" }],
  ])("do not serve another %s", async (_what, options, circumstances, change) => {
    const [row] = rows(1);
    await newJudge().compare([row!]);
    await newJudge(options, circumstances).compare([{ ...row!, ...change }]);
    expect(server.requests).toHaveLength(4);
  });

  test("serve the same pair the other way round, and other limits", async () => {
    const [row] = rows(1);
    await newJudge().compare([row!]);
    const limits = { concurrency: 1, maxAttempts: 2, timeoutMs: 9_000, maxCalls: 1, name: "again" };
    const [turned] = await newJudge(limits).compare([{ ...row!, first: row!.second, second: row!.first }]);
    expect(turned!.verdict).toBe("second");
    expect(server.requests).toHaveLength(2);
  });

  test("of two that ask the same at once are one: both have the answer that came first", async () => {
    let count = 0;
    // What it says differs from request to request, and both are asked before any is answered.
    server.always((request, answer) => {
      const said = `Comparison: ${++count}.\nPreferred: ${count % 2 === 0 ? "A" : "B"}`;
      void server.reaches(4).then(() => says(said)(request, answer));
    });
    const [one, other] = await Promise.all([newJudge().compare(rows(1)), newJudge().compare(rows(1))]);
    expect(server.requests).toHaveLength(4);
    expect(one).toEqual(other);
    expect(await keptFiles()).toHaveLength(2);
  });
});

describe("an interrupt", () => {
  const interrupted = async (judge: Judge, options: JudgeCallOptions, count: number) => {
    const error = await errorOf(judge.compare(rows(6), options));
    expect(error).toBeInstanceOf(InterruptedError);
    expect(server.requests).toHaveLength(count);
    return error.message;
  };

  test("ends what is under way, and what was answered is kept", async () => {
    const user = new AbortController();
    server.next(prefersTheLonger, prefersTheLonger, prefersTheLonger, () => user.abort());
    expect(await interrupted(newJudge({ concurrency: 1 }), { signal: user.signal }, 4)).toMatch(/1 of 6 comparisons/);
    expect(verdictsOf(await newJudge().compare(rows(6)))).toEqual(RIGHT);
    expect(server.requests).toHaveLength(4 + 9);
  });

  test("that came before asks nobody", () => interrupted(newJudge(), { signal: AbortSignal.abort() }, 0));
});

describe("the key", () => {
  const KEY = 's3cret"key\\1';

  test("goes to the endpoint", async () => {
    await newJudge({}, { token: KEY }).compare(rows(1));
    expect(server.requests[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test("is in no kept answer and in no judgement, even of an endpoint that repeats it", async () => {
    server.always((request, answer) => says(`${request.headers.authorization}\nPreferred: A`)(request, answer));
    const judgements = await newJudge({}, { token: KEY }).compare(rows(2));
    expect(judgements[0]!.answers[0]!.text).toBe("Bearer [token]\nPreferred: A");
    expect([JSON.stringify(judgements), ...(await keptFiles())].join("\n")).not.toContain("s3cret");
  });

  test.each<[string, (key: string) => Handler]>([
    ["a refusal", (key) => fails(401, {}, `unknown key ${key}`)],
    ["a refusal in JSON", (key) => fails(400, {}, JSON.stringify({ error: { message: `unknown key ${key}` } }))],
    ["a failure", (key) => fails(500, {}, key)],
    ["what is no completion", (key) => fails(200, {}, `${" ".repeat(150)}${key}`)],
  ])("is in no error: %s", async (_what, handler) => {
    server.always((request, answer) => handler(request.headers.authorization!)(request, answer));
    const error = await errorOf(newJudge({ maxAttempts: 2 }, { token: KEY }).compare(rows(1)));
    expect(error.message).toContain("[token]");
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain("s3cret");
    expect(await keptFiles()).toEqual([]);
  });

  test.each(["", "s3cret\n", "s3 cret"])("%j is refused, and not shown", (token) => {
    expect(() => newJudge({}, { token })).toThrow(BadInputError);
    expect(() => newJudge({}, { token })).not.toThrow(/s3/);
  });
});
