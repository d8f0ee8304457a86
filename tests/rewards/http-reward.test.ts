import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, EnvironmentError, InterruptedError, ServerUnavailableError } from "../../src/errors.js";
import type { Clock } from "../../src/ports/clock.js";
import { createHttpReward } from "../../src/rewards/http-reward.js";
import { httpRewardOptions } from "../../src/rewards/http-reward-options.js";
import { createManualClock, impatientClock } from "../rpc/manual-clock.js";
import { response } from "./responses.js";
import { answerJson, startVerifier, type Handler, type Verifier } from "./verifier.js";

let verifier: Verifier;
beforeEach(async () => {
  verifier = await startVerifier();
});
afterEach(() => verifier.close());

interface Circumstances {
  readonly clock?: Clock;
  readonly token?: string;
  readonly url?: string;
}

/** Half of the jitter; 60 s, longer than the impatient clock ever waits. */
const reward = (options: object = {}, { clock = impatientClock, token, url = verifier.url }: Circumstances = {}) =>
  createHttpReward(httpRewardOptions.parse({ kind: "http", url, timeoutMs: 60_000, ...options }), {
    ...{ token, where: "reward", clock, random: () => 0.5 },
  });

const some = (...texts: string[]) => texts.map((text) => response(text));
const fails =
  (status: number, headers: Record<string, string> = {}, body = ""): Handler =>
  (_, answer) =>
    answer.writeHead(status, headers).end(body);

/** Its error, which is not there if it succeeds. */
const errorOf = async (score: Promise<unknown>): Promise<Error> =>
  score.then(
    () => expect("it").toBe("a failure"),
    (error: unknown) => error,
  ) as Promise<Error>;

/** Runs until the clock has a timer other than that of the request's silence. */
async function nextWait(clock: ReturnType<typeof createManualClock>, ...others: readonly number[]): Promise<number> {
  for (;;) {
    const wait = clock.waiting.find((delay) => delay !== 60_000 && !others.includes(delay));
    if (wait !== undefined) return wait;
    await new Promise(setImmediate);
  }
}

describe("a verifier", () => {
  test("is posted prompts, responses, whether they ended, and ids where there are any", async () => {
    const scores = await reward().score([
      response("yes"),
      response("perha", { promptText: "Sure?", ended: false, sourceId: "s7" }),
    ]);
    expect(scores).toEqual([3, 5]);
    const [request] = verifier.requests;
    expect(request).toMatchObject({ method: "POST", headers: { "content-type": "application/json" } });
    expect(request!.headers).not.toHaveProperty("authorization");
    expect(request!.responses).toEqual([
      { prompt: "Q", response: "yes", ended: true },
      { prompt: "Sure?", response: "perha", ended: false, id: "s7" },
    ]);
  });

  test("gets batches, some at the same time, and scores come in the order of responses", async () => {
    const held: (() => void)[] = [];
    const hold: Handler = ({ responses }, answer) => {
      held.push(() => answerJson(answer, { scores: responses.map((one) => one.response.length) }));
      // Both are there at once, and the second is answered first.
      if (held.length === 2) held.reverse().forEach((answerHeld) => answerHeld());
    };
    verifier.next(hold, hold);
    const progress: number[][] = [];
    const scores = await reward({ batchSize: 2, concurrency: 2 }).score(some("a", "bb", "ccc", "dddd", "eeeee"), {
      onProgress: (...step) => progress.push(step),
    });
    expect(scores).toEqual([1, 2, 3, 4, 5]);
    expect(verifier.requests.map(({ responses }) => responses.length)).toEqual([2, 2, 1]);
    expect(progress.at(-1)).toEqual([5, 5]);
  });

  test("is not asked about nothing", async () => {
    expect(await reward().score([])).toEqual([]);
    expect(verifier.requests).toEqual([]);
  });

  test("gets the token", async () => {
    await reward({}, { token: "s3cret" }).score(some("a"));
    expect(verifier.requests[0]!.headers.authorization).toBe("Bearer s3cret");
  });

  test.each(["", "s3cret\n", "s3 cret"])("does not get the token %j, which is not shown", (token) => {
    expect(() => reward({}, { token })).toThrow(BadInputError);
    expect(() => reward({}, { token })).not.toThrow(/s3/);
  });

  test("may change unseen: nothing is known of what its scores depend on", () => {
    expect(reward().dependsOn).toBeNull();
  });
});

describe("a request is made again", () => {
  const dropped: Handler = (_, answer) => answer.socket!.destroy();
  const droppedHalfway: Handler = (_, answer) => {
    answer.writeHead(200, { "content-length": "100" }).write('{"scores":');
    answer.socket!.destroySoon();
  };

  test.each<[string, Handler]>([
    ["429", fails(429)],
    ["500", fails(500)],
    ["503", fails(503)],
    ["a connection that is closed without an answer", dropped],
    ["a connection that is closed within an answer", droppedHalfway],
  ])("after %s", async (_what, failure) => {
    verifier.next(failure, failure);
    expect(await reward().score(some("abc"))).toEqual([3]);
    expect(verifier.requests).toHaveLength(3);
    expect(verifier.requests[2]!.responses).toEqual(verifier.requests[0]!.responses);
  });

  test("after waits that double", async () => {
    const clock = createManualClock();
    verifier.next(fails(500), fails(500));
    const score = reward({}, { clock }).score(some("abc"));
    expect(await nextWait(clock)).toBe(375);
    clock.advance(375);
    expect(await nextWait(clock)).toBe(750);
    clock.advance(750);
    expect(await score).toEqual([3]);
    expect(clock.waiting).toEqual([]);
  });

  test("after the wait that Retry-After asks for", async () => {
    const clock = createManualClock();
    verifier.next(fails(429, { "retry-after": "7" }));
    const score = reward({}, { clock }).score(some("abc"));
    expect(await nextWait(clock)).toBe(7000);
    clock.advance(7000);
    expect(await score).toEqual([3]);
  });

  test("after silence", async () => {
    const clock = createManualClock();
    const silence = new Promise<void>((resolve) => verifier.next(() => resolve()));
    const score = reward({ timeoutMs: 2000 }, { clock }).score(some("abc"));
    await silence;
    expect(clock.waiting).toEqual([2000]);
    clock.advance(2000);
    expect(await nextWait(clock, 2000)).toBe(375);
    clock.advance(375);
    expect(await score).toEqual([3]);
  });

  test("and at last given up", async () => {
    verifier.next(fails(503, {}, "busy"), fails(503, {}, "busy"), fails(503, {}, "busy"));
    const error = await errorOf(reward({ maxAttempts: 3 }).score(some("abc")));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(/^reward: http:\/\/127\.0\.0\.1:\d+\/score answered 503, "busy"; attempts made: 3\./);
    expect(verifier.requests).toHaveLength(3);
  });

  test("in vain where nobody listens", async () => {
    const gone = await startVerifier();
    await gone.close();
    const error = await errorOf(reward({ maxAttempts: 2 }, { url: gone.url }).score(some("abc")));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(/could not be reached: ECONNREFUSED; attempts made: 2/);
  });
});

describe("an answer that will not get better", () => {
  const refused = async (handler: Handler, options: object = {}, circumstances: Circumstances = {}) => {
    verifier.next(handler);
    const error = await errorOf(reward(options, circumstances).score(some("a", "b")));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error).not.toBeInstanceOf(ServerUnavailableError);
    expect(verifier.requests).toHaveLength(1);
    return error.message;
  };

  test.each<[string, Handler, RegExp]>([
    ["404", fails(404), /answered 404\. Correct the url/],
    ["401", fails(401, {}, "who?"), /answered 401, "who\?"\. .*tokenEnv/],
    ["a redirection", fails(302, { location: "/elsewhere" }), /answered 302\. It redirects: name the last address/],
    ["what is no JSON", fails(200, {}, "<html>"), /answered "<html>" for 2 responses; it must be {"scores": /],
    ["other JSON", (_, answer) => answerJson(answer, [1, 2]), /answered "\[1,2\]" for 2 responses/],
    ["too few scores", (_, answer) => answerJson(answer, { scores: [1] }), /answered 1 scores for 2 responses/],
    ["too many scores", (_, answer) => answerJson(answer, { scores: [1, 2, 3] }), /answered 3 scores for 2 responses/],
    ["null for a score", (_, answer) => answerJson(answer, { scores: [1, null] }), /answered .*null.* for 2 responses/],
    ["a score beyond all numbers", fails(200, {}, '{"scores": [1, 1e999]}'), /answered .*1e999/],
  ])("%s", async (_what, handler, message) => {
    expect(await refused(handler)).toMatch(message);
  });

  test("is shown without the token, and the address without its query", async () => {
    const url = `${verifier.url}?key=hidden`;
    const echo: Handler = ({ headers }, answer) => void answer.writeHead(403).end(`not ${headers.authorization}`);
    const message = await refused(echo, {}, { token: "s3cret", url });
    expect(message).toContain('"not Bearer [token]"');
    expect(message).not.toMatch(/s3cret|hidden/);
  });

  test("stops the other requests", async () => {
    const hang = new Promise<void>((resolve) =>
      verifier.next(
        (_, answer) => answer.socket!.once("close", () => resolve()),
        (_, answer) => void answer.writeHead(404).end(),
      ),
    );
    const error = await errorOf(reward({ batchSize: 1, concurrency: 2 }).score(some("a", "b", "c", "d")));
    expect(error.message).toMatch(/answered 404/);
    await hang;
    expect(verifier.requests.length).toBeLessThan(4);
  });
});

describe("an interrupt", () => {
  test("ends a request", async () => {
    const user = new AbortController();
    verifier.next(() => user.abort());
    expect(await errorOf(reward().score(some("a"), { signal: user.signal }))).toBeInstanceOf(InterruptedError);
    expect(verifier.requests).toHaveLength(1);
  });

  test("ends a wait", async () => {
    const user = new AbortController();
    const clock = createManualClock();
    verifier.next(fails(500));
    const score = reward({}, { clock }).score(some("a"), { signal: user.signal });
    await nextWait(clock);
    user.abort();
    expect(await errorOf(score)).toBeInstanceOf(InterruptedError);
    expect(clock.waiting).toEqual([]);
    expect(verifier.requests).toHaveLength(1);
  });

  test("that came before asks nobody", async () => {
    const signal = AbortSignal.abort();
    expect(await errorOf(reward().score(some("a"), { signal }))).toBeInstanceOf(InterruptedError);
    expect(verifier.requests).toEqual([]);
  });
});
