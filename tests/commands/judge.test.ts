import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Evaluation } from "../../src/domain/evaluation.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { readEvaluation, readEvaluationRows } from "../../src/run/read-evaluation.js";
import {
  type ChatRequest,
  type ChatServer,
  fails,
  prefersTheLonger,
  says,
  shownIn,
  startChatServer,
  TEMPLATE,
} from "../judge/chat-server.js";
import { evaluation, evaluationRows, recipe } from "../run/run-fixtures.js";
import { type Outcome, runDrpo, startDrpo } from "./run-drpo.js";

const ROWS = 10;
/** The policy's response is the longer one in the first six rows. */
const pairs = Array.from({ length: ROWS }, (_, row) => {
  const [long, short] = [`row ${row} at length`, `row ${row}`];
  return { prompt: `Prompt ${row % 4}`, policy: row < 6 ? long : short, sft: row < 6 ? short : long };
});

let folder: string;
let directory: string;
let server: ChatServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-judge-"));
  directory = join(folder, "run");
  server = await startChatServer();
  await writeRun(directory, pairs);
  await writeFile(join(folder, "question.txt"), TEMPLATE);
  await writeJudges();
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A run that was trained and evaluated: what `drpo judge` reads of it. */
async function writeRun(path: string, responses: typeof pairs): Promise<void> {
  const run = await openRunDirectory({ directory: path, recipe: recipe(), resume: false });
  await run.writeEvaluation(evaluation(), evaluationRows(responses));
  await run.close();
}

const writeJudges = (changes: object = {}): Promise<void> =>
  writeFile(
    join(folder, "judges.json"),
    JSON.stringify([
      ...[{ kind: "openai", name: "chat", model: "m", baseUrl: server.url, template: "question.txt", ...changes }],
    ]),
  );

const options = (environment: Record<string, string> = {}) => ({
  cwd: folder,
  environment: { DRPO_CACHE_DIR: join(folder, "cache"), OPENAI_API_KEY: "", ...environment },
});
const ARGS = ["judge", "run", "--judges", "judges.json", "--against", "sft"];
const judge = (...more: readonly string[]): Promise<Outcome> => runDrpo([...ARGS, ...more], options());
const succeed = async (outcome: Promise<Outcome>): Promise<string> => {
  const { exitCode, stdout, stderr } = await outcome;
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
};
const rateOf = ({ winRates }: Pick<Evaluation, "winRates">, name: string, against: string, model = "policy") =>
  winRates.find(({ judge: judgedBy, of, against: other }) => judgedBy === name && of === model && other === against);
const questionOf = (request: ChatRequest): string => JSON.stringify(request.body.messages);

/** Everything that was written below the folder. */
async function allFiles(): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((path) => readFile(path, "utf8")))).join("\n");
}

describe("drpo judge", () => {
  test("adds verdicts to the run, prints win rates with intervals, and asks nothing twice", async () => {
    const stdout = await succeed(judge());
    expect(stdout).toMatch(/^Judge +of +against +win rate +judged +ties +unjudged\n/);
    expect(stdout).toMatch(/\nchat +policy +sft +60\.0 % +\(31\.3 to 83\.2 %\) +10 +0 +0\n/);
    expect(stdout).toMatch(/\nlexicon and chat +policy +sft +60\.0 % /);
    expect(server.requests).toHaveLength(2 * ROWS);

    const { verdicts, problems } = await readEvaluationRows(directory);
    expect(problems).toEqual([]);
    const own = verdicts.filter(({ judge: name }) => name === "chat");
    expect(own.map(({ verdict }) => verdict)).toEqual(pairs.map((_, row) => (row < 6 ? "win" : "loss")));
    expect(own[0]!.answers.map(({ first, preferred }) => [first, preferred])).toEqual([
      ["own", "own"],
      ["opponent", "own"],
    ]);
    // What others said stays, and so does what was measured.
    expect(verdicts).toHaveLength(3 * ROWS);
    const now = await readEvaluation(directory);
    expect(now!.winRates.map(({ judge: name }) => name)).toEqual(["lexicon", "model", "chat"]);
    expect(now).toMatchObject({ policy: evaluation().policy, bestIteration: 4 });

    expect(await succeed(judge())).toBe(stdout);
    expect(server.requests).toHaveLength(2 * ROWS);
    expect((await readEvaluationRows(directory)).verdicts).toEqual(verdicts);
  });

  test("replaces what the same judge said before of the same opponent, and prints JSON", async () => {
    await succeed(judge("--against", "reference"));
    await writeJudges({ model: "another" });
    server.always(says("Preferred: B"));
    const result = JSON.parse(await succeed(judge("--json"))) as Pick<Evaluation, "winRates" | "agreement">;
    expect(rateOf(result, "chat", "sft")).toMatchObject({ ties: ROWS, winRate: { mean: 0.5, n: ROWS } });
    expect(rateOf(result, "chat", "reference")).toMatchObject({ ties: 4, winRate: { mean: 0.8 } });
    // Against people SFT is judged, too, by the same judge.
    expect(rateOf(result, "chat", "reference", "sft")).toMatchObject({ ties: 6, winRate: { mean: 0.7, n: ROWS } });
    expect(result).toEqual({
      runDirectory: directory,
      winRates: (await readEvaluation(directory))!.winRates,
      agreement: (await readEvaluation(directory))!.agreement,
    });
  });

  test("against references the responses of SFT count in the budget, and runs with the same ones share the answers", async () => {
    // The reference is "Fine."
    const sftOf = (row: number) => (row < 3 ? `SFT at length ${row}` : `S${row}`);
    const texts = pairs.map(({ prompt }, row) => ({ prompt, policy: `policy ${row}`, sft: sftOf(row) }));
    await writeRun(directory, texts);
    await writeRun(
      join(folder, "other"),
      texts.map((pair, row) => ({ ...pair, policy: `another policy ${row}` })),
    );
    const against = (run: string) =>
      runDrpo(["judge", run, "--judges", "judges.json", "--against", "reference"], options());
    await writeJudges({ maxCalls: 4 * ROWS - 1 });
    expect((await against("run")).stderr).toMatch(/the budget of maxCalls = 39 is used up/);
    const stdout = await succeed(against("run"));
    expect(stdout).toMatch(/\nchat +policy +reference +100\.0 % .*\nchat +sft +reference +30\.0 % /);
    expect(server.requests).toHaveLength(4 * ROWS);
    await succeed(against("other"));
    expect(server.requests).toHaveLength(6 * ROWS);
  });

  test("compares with another run, row by row", async () => {
    const other = pairs.map(({ prompt }, row) => ({ prompt, sft: "", policy: `row ${row} at more length than that` }));
    await writeRun(join(folder, "ppo"), other);
    await succeed(runDrpo(["judge", "run", "--judges", "judges.json", "--against", "ppo"], options()));
    expect(rateOf((await readEvaluation(directory))!, "chat", "ppo")!.winRate).toMatchObject({ mean: 0, n: ROWS });
    const { winRates } = (await readEvaluation(directory))!;
    expect(winRates.flatMap((rate) => (rate.judge === "chat" ? [[rate.of, rate.against]] : []))).toEqual([
      ["policy", "ppo"],
    ]);
    expect(shownIn(server.requests[0]!).b).toBe("row 0 at more length than that");
  });

  test("killed in the middle, it goes on without asking again", async () => {
    const [answered, atOnce] = [7, 3];
    await writeJudges({ concurrency: atOnce });
    const child = startDrpo(ARGS, options());
    let count = 0;
    // Those of a full house are asked only when every answer before them is kept.
    server.always((request, answer) => (++count <= answered ? prefersTheLonger(request, answer) : undefined));
    await server.reaches(answered + atOnce);
    child.kill("SIGKILL");
    expect((await child.ended).exitCode).toBeNull();
    expect((await readEvaluationRows(directory)).verdicts).toHaveLength(2 * ROWS);

    server.always(prefersTheLonger);
    const stdout = await succeed(judge());
    expect(stdout).toMatch(/\nchat +policy +sft +60\.0 % /);
    const before = server.requests.slice(0, answered).map(questionOf);
    const after = server.requests.slice(answered + atOnce).map(questionOf);
    expect(after).toHaveLength(2 * ROWS - answered);
    expect(new Set([...before, ...after]).size).toBe(2 * ROWS);
  });

  test("two at once do each other no harm", async () => {
    const [one, other] = await Promise.all([succeed(judge()), succeed(judge("--json"))]);
    expect(one).toMatch(/\nchat +policy +sft +60\.0 % /);
    expect(rateOf(JSON.parse(other) as Evaluation, "chat", "sft")!.winRate).toMatchObject({ mean: 0.6, n: ROWS });
    const { verdicts, problems } = await readEvaluationRows(directory);
    expect(problems).toEqual([]);
    expect(verdicts).toHaveLength(3 * ROWS);
  });

  test("stops at its budget with what is judged, and another budget goes on", async () => {
    await writeJudges({ maxCalls: 12 });
    const { exitCode, stderr } = await judge();
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /the budget of maxCalls = 12 is used up.*\n\d of 10 comparisons are judged, and every answer/,
    );
    expect(server.requests).toHaveLength(12);
    await succeed(judge());
    expect(server.requests).toHaveLength(20);
  });

  test("says that an endpoint is down, and what to do", async () => {
    await writeJudges({ maxAttempts: 1 });
    server.always(fails(503, {}, "busy"));
    const { exitCode, stderr } = await judge();
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /judges\.json\[0\]: http:\S+ answered 503, "busy"; attempts made: 1\. Check that the endpoint is up.*\n0 of 10 comparisons/,
    );
  });
});

describe("the key", () => {
  const KEY = "sk-very-s3cret";

  test("is written nowhere, though the endpoint repeats it", async () => {
    await writeJudges({ keyEnv: "JUDGE_KEY" });
    server.always((request, answer) => says(`${request.headers.authorization}\nPreferred: A`)(request, answer));
    const stdout = await succeed(runDrpo(ARGS, options({ JUDGE_KEY: KEY })));
    expect(server.requests[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
    const files = await allFiles();
    expect(files).toContain("Bearer [token]");
    expect(files + stdout).not.toContain("s3cret");
  });

  test("is in no error", async () => {
    await writeJudges({ keyEnv: "JUDGE_KEY" });
    server.always((request, answer) => fails(401, {}, request.headers.authorization)(request, answer));
    const { exitCode, stdout, stderr } = await runDrpo(ARGS, options({ JUDGE_KEY: KEY }));
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/answered 401, "Bearer \[token\]"\. Set the environment variable that keyEnv names/);
    expect(stdout + stderr + (await allFiles())).not.toContain("s3cret");
  });

  test("that is not set is named before anybody is asked", async () => {
    await writeJudges({ keyEnv: "JUDGE_KEY" });
    const { exitCode, stderr } = await judge();
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/judges\.json\[0\]: the judge m at 127\.0\.0\.1:\d+ needs a key.* JUDGE_KEY is not set/);
    expect(server.requests).toEqual([]);
  });
});

describe("bad input is refused before anybody is asked", () => {
  const refused = async (args: readonly string[], message: RegExp) => {
    const { exitCode, stderr } = await runDrpo(args, options());
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(server.requests).toEqual([]);
  };

  test("another run that answers other prompts", async () => {
    await writeRun(
      join(folder, "other"),
      pairs.map((pair, row) => (row === 3 ? { ...pair, prompt: "Other" } : pair)),
    );
    await refused(
      [...ARGS, "--against", "other"],
      /--against other: row 3 answers another prompt\. .*same seed|held-out/,
    );
  });

  test("an opponent that is not there, or has the name of another one", async () => {
    await refused(
      [...ARGS, "--against", "nowhere"],
      /--against nowhere: it is "sft", "reference" or the folder of a run/,
    );
    await cp(directory, join(folder, "copies", "run"), { recursive: true });
    await refused([...ARGS, "--against", "run", "--against", "copies/run"], /another opponent is called run, too/);
  });

  test("a run without an evaluation, or no run", async () => {
    await rm(join(directory, "evaluation.json"));
    await refused(ARGS, /has no evaluation yet: there are no responses to judge\. Finish it: drpo train --resume/);
    await refused(["judge", "nowhere"], /nowhere holds no run/);
  });

  test("judges that will not do", async () => {
    await writeFile(
      join(folder, "judges.json"),
      '[{"kind": "openai", "modle": "m", "task": "summary"}, {"kind": "mood"}]',
    );
    await refused(ARGS, /judges\.json: \d problems\n[^]*\[0\]\.modle[^]*did you mean .*model[^]*\[1\]\.kind/);
    await writeFile(join(folder, "judges.json"), "{");
    await refused(ARGS, /judges\.json:1:2: not JSON/);
    await writeFile(join(folder, "judges.json"), '[{"kind": "lexicon"}, {"kind": "lexicon"}]');
    await refused(ARGS, /judges\.json\[1\]: another judge before it is called lexicon/);
    await writeJudges({ template: "nowhere.txt" });
    await refused(ARGS, /judges\.json\[0\]: the template .*nowhere\.txt cannot be read \(ENOENT\)/);
    await refused(
      ["judge", "run", "--judges", "nowhere.json"],
      /--judges .*nowhere\.json: it cannot be read \(ENOENT\)/,
    );
  });
});
