import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Curves, RolloutDetail, RolloutPage, RunDetail, RunsEvent, RunSummary } from "../../src/dashboard/api.js";
import { type Dashboard, type DashboardOptions, startDashboard } from "../../src/dashboard/server/start-dashboard.js";
import { BadInputError, EnvironmentError } from "../../src/errors.js";
import type { OpenRunDirectory } from "../../src/run/open-run-directory.js";
import { buildOnce, ROOT } from "../commands/run-drpo.js";
import { commit, evaluation, evaluationRows } from "../run/run-fixtures.js";
import { writeIteration, writeRun } from "./write-run.js";

const TOKEN = "a long secret";

let root: string;
let running: OpenRunDirectory;

const start = (options: Partial<DashboardOptions> = {}): Promise<Dashboard> =>
  startDashboard({
    ...{ root, shownRoot: "runs", version: "1", host: "127.0.0.1", port: 0, resetHere: null },
    ...{ pageFolder: join(ROOT, "dist/dashboard/browser"), ...options },
  });

beforeAll(async () => {
  buildOnce();
  root = await mkdtemp(join(tmpdir(), "drpo-dashboard-"));
  running = await writeRun(join(root, "running"), { iterations: 5 });
  const done = await writeRun(join(root, "sweep", "done"), { iterations: 4 });
  await done.end("done", null);
  await done.close();
  const cut = await writeRun(join(root, "cut"), { iterations: 3 });
  await cut.close();
  await appendFile(join(root, "cut", "metrics.jsonl"), "not JSON\n");
  await writeFile(join(root, "cut", "rollouts", "000002.jsonl"), "{}\n");
  await mkdir(join(root, "broken"));
  await writeFile(join(root, "broken", "recipe.json"), "{");
  const lacking = await writeRun(join(root, "lacking"), { iterations: 3 });
  await lacking.writeEvaluation(evaluation(), evaluationRows());
  await lacking.close();
  for (const name of ["metrics.jsonl", "journal.jsonl"]) await rm(join(root, "lacking", name));
  await writeFile(join(root, "secret.txt"), "secret");
});
afterAll(async () => {
  await running.close();
  await rm(root, { recursive: true });
});

/** Asks as a browser or a program would, headers as they are given: fetch would not let Host through. */
function ask(
  url: string,
  { headers = {}, method = "GET", body }: { headers?: Record<string, string>; method?: string; body?: string } = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const { origin } = new URL(url);
    const path = url.slice(origin.length);
    const { hostname, port } = new URL(url);
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode!, text, headers: response.headers }));
    });
    asked.on("error", reject).end(body);
  });
}

describe("the dashboard's server", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await start();
  });
  afterAll(() => dashboard.close());

  const get = async <T>(path: string): Promise<T> => JSON.parse((await ask(dashboard.address + path)).text) as T;

  test("lists runs, nested ones too, with how each stands", async () => {
    const runs = await get<RunSummary[]>("/api/runs");
    const shown = Object.fromEntries(runs.map((run) => [run.id, run.status]));
    expect(shown).toEqual({
      running: "running",
      "sweep/done": "done",
      cut: "interrupted",
      broken: "broken",
      lacking: "interrupted",
    });
    const run = runs.find(({ id }) => id === "running")!;
    expect(run).toMatchObject({ iteration: 5, iterations: 4, method: "DR-PO", seed: 1, scoredBy: "validation" });
    expect(run.score).toBeCloseTo(1 - Math.exp(-4 / 8), 12);
    expect(run.sparkline).toHaveLength(2);
  });

  test("names what is broken, and shows the rest", async () => {
    const runs = await get<RunSummary[]>("/api/runs");
    const problemsOf = (id: string) => runs.find((run) => run.id === id)!.problems.join("\n");
    expect(problemsOf("broken")).toMatch(/recipe\.json is damaged/);
    expect(problemsOf("running")).toBe("");
    expect(problemsOf("sweep/done")).toMatch(/done\/evaluation\.json is missing: .*drpo evaluate/);
    expect(problemsOf("lacking")).toMatch(/lacking\/journal\.jsonl is missing: .*Restore it from a copy/);
    expect(problemsOf("cut")).toMatch(/metrics\.jsonl: 1 line is damaged, the first is line 5/);
    const page = await get<RolloutPage>("/api/runs/cut/rollouts?iteration=2");
    expect(page).toMatchObject({ rows: [], total: 0, problems: [expect.stringMatching(/000002\.jsonl:1/)] });
    const { stages } = await get<Curves>("/api/runs/cut/curves");
    expect(stages.find(({ stage }) => stage === "policy")!.count).toBe(3);
    const detail = await get<RunDetail>("/api/runs/broken");
    expect(detail).toMatchObject({ settings: [], rollouts: null, evaluation: null });
  });

  test("shows the evaluation: SFT's win rate against references in its own column", async () => {
    const detail = await get<RunDetail>("/api/runs/lacking");
    const wins = detail.evaluation!.filter(({ label }) => /win rate/i.test(label));
    expect(
      wins.map(({ label, isMain, sft, policy, comparison }) => [
        ...[label, isMain, sft?.mean, policy?.mean, comparison?.mean],
      ]),
    ).toEqual([
      ["Win rate against SFT [1]", true, undefined, undefined, "74.2 %"],
      ["Win rate against reference [1]", true, undefined, undefined, "61.0 %"],
      ["SFT's win rate against reference [1]", false, "31.6 %", undefined, undefined],
      ["Win rate against SFT [2]", true, undefined, undefined, "70.0 %"],
    ]);
  });

  test("tells the accuracy of the reward apart from what is said of the policy", async () => {
    const detail = await get<RunDetail>("/api/runs/lacking");
    const [accuracy, ...others] = detail.evaluation!.filter(({ reward }) => reward !== null);
    expect(others).toEqual([]);
    expect(accuracy).toMatchObject({ label: "Reward accuracy", sft: null, policy: null, comparison: null });
    expect(accuracy!.reward!.mean).toBe("81.0 %");
    expect(detail.evaluatedIteration).toBe(4);
  });

  test("has the validation of the best checkpoint beside its name, and names the iteration of the last one", async () => {
    const run = await writeRun(join(root, "overtrained"), { iterations: 4 });
    await run.appendMetrics({ stage: "policy", iteration: 5, metrics: { score: 9 } });
    await run.appendMetrics({ stage: "validation", iteration: 5, metrics: { score: -1 } });
    await run.writeRollouts(5, []);
    await run.commit({ ...commit(5), best: commit(2).best });
    const detail = await get<RunDetail>("/api/runs/overtrained");
    const progress = 1 - Math.exp(-2 / 8);
    expect(detail).toMatchObject({ bestIteration: 2, bestValidation: { score: progress, kl: 5 * progress } });
    // No KL of iteration 4 beside a score of iteration 5.
    expect(detail.summary).toMatchObject({ scoredBy: "validation", scoredAt: 5, score: -1, kl: null });
    await run.close();
    await rm(join(root, "overtrained"), { recursive: true });
  });

  test("names a file that is missing as soon as it is, and no longer than that", async () => {
    const problems = async () => (await get<RunDetail>("/api/runs/running")).summary.problems;
    const path = join(root, "running", "rollouts", "000002.jsonl");
    const content = await readFile(path);
    await rm(path);
    expect(await problems()).toEqual([
      expect.stringMatching(/rollouts of 1 of 5 iterations are missing.* iteration 2/),
    ]);
    await writeFile(path, content);
    expect(await problems()).toEqual([]);
  });

  test("gives curves by stage, in a range, smoothed", async () => {
    const all = await get<Curves>("/api/runs/running/curves");
    expect(all.stages.map(({ stage, count }) => [stage, count])).toEqual([
      ["policy", 5],
      ["validation", 2],
    ]);
    const part = await get<Curves>("/api/runs/running/curves?from=2&to=4&smoothing=0.5&stage=policy&name=entropy");
    const [curve] = part.stages[0]!.curves;
    expect(part.stages).toHaveLength(1);
    expect(curve!.x).toEqual([2, 3, 4]);
    const y = [1, 2, 3, 4].map((iteration) => 2 - (1 - Math.exp(-iteration / 8)));
    const expected = [0, 1, 2, 3].map((last) => {
      const weights = y.slice(0, last + 1).map((_, i) => 0.5 ** (last - i));
      return weights.reduce((sum, w, i) => sum + w * y[i]!, 0) / weights.reduce((a, b) => a + b);
    });
    curve!.smooth!.forEach((value, i) => expect(value).toBeCloseTo(expected[i + 1]!, 12));
  });

  test("sorts, searches and pages rollouts", async () => {
    const path = "/api/runs/running/rollouts?iteration=3";
    const byScore = await get<RolloutPage>(`${path}&order=score&descending=true&limit=2`);
    expect(byScore).toMatchObject({
      total: 6,
      matching: 6,
      previous: 2,
      next: 4,
      range: { first: 1, last: 5, count: 5 },
    });
    expect(byScore.rows.map(({ row }) => row)).toEqual([5, 4]);
    const next = await get<RolloutPage>(`${path}&order=score&descending=true&limit=2&offset=2`);
    expect(next.rows.map(({ row }) => row)).toEqual([3, 2]);
    const all = await get<RolloutPage>(path);
    const wanted = all.rows[1]!;
    const word = `${wanted.prefixText}${wanted.generatedText}`.slice(0, 12).toUpperCase();
    const found = await get<RolloutPage>(`${path}&search=${encodeURIComponent(word)}`);
    expect(found.rows.map(({ row }) => row)).toContain(1);
    expect(found.matching).toBeLessThan(6);
  });

  test("shows a rollout token by token", async () => {
    const rollout = await get<RolloutDetail>("/api/runs/running/rollouts/3/2/0");
    expect(rollout.prefixTokens).toBe(2);
    expect(rollout.tokens.map(({ piece }) => piece).join("")).toBe(rollout.text);
    expect(rollout.tokens.map(({ logprob }) => logprob === null)).toEqual(rollout.tokens.map((_, i) => i < 2));
    const sum = rollout.tokens.reduce((total, one) => total + ((one.logprob ?? 0) - (one.referenceLogprob ?? 0)), 0);
    expect(rollout.kl).toBeCloseTo(sum, 12);
  });

  test.each([
    ["/api/runs/nobody", 404, /no run "nobody"/],
    ["/api/runs/running/rollouts?iteration=77", 404, /Iteration 77 of this run has no rollouts/],
    ["/api/runs/running/rollouts/3/99/0", 404, /no rollout 99/],
    ["/api/runs/running/rollouts?iteration=x", 400, /iteration/],
    ["/api/runs/running/curves?smoothing=2", 400, /smoothing/],
    ["/nothing", 404, /nothing here/],
  ])("answers %s with %i", async (path, status, message) => {
    const answer = await ask(dashboard.address + path);
    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.text) as { error: string }).error).toMatch(message);
  });

  test.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/assets/%2e%2e/%2e%2e/package.json",
    "/assets/..%2f..%2fcli.js",
    "/packages/../package.json",
    "/api/runs/..",
    "/api/runs/..%2f..",
    "/api/runs/%2e%2e%2fsecret.txt",
    "/api/runs/running%2frollouts",
    `/api/runs/${encodeURIComponent("/etc")}`,
    "/api/runs/running/rollouts/..%2f..%2fsecret/0/0",
  ])("reaches no other file by %s", async (path) => {
    const { status, text } = await ask(dashboard.address + path);
    expect([400, 404]).toContain(status);
    expect(text).not.toMatch(/secret"|"name": "drpo"|root:/);
  });

  test("is not for pages of other sites, nor under other names", async () => {
    const url = `${dashboard.address}/api/runs`;
    const port = new URL(url).port;
    const refused = [
      { host: "evil.example" },
      { host: `evil.example:${port}` },
      { host: `127.0.0.1.evil.example:${port}` },
      { host: `127.0.0.1:${port}`, origin: "http://evil.example" },
      { host: `127.0.0.1:${port}`, origin: "null" },
      { host: `127.0.0.1:${port}`, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    ];
    for (const headers of refused) expect((await ask(url, { headers })).status).toBe(403);
    const welcome = [
      { host: `localhost:${port}` },
      { host: "localhost:9999" },
      { host: `[::1]:${port}` },
      { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" },
    ];
    for (const headers of welcome) expect((await ask(url, { headers })).status).toBe(200);
  });

  test("sends what keeps a page from doing harm", async () => {
    const { headers, text } = await ask(`${dashboard.address}/runs/anything`);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+'; style-src 'self'/);
    expect(policy).not.toMatch(/unsafe/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(text).toMatch(/<script type="importmap">/);
  });

  test("changes nothing, and says how reset-here gets a server", async () => {
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      expect((await ask(`${dashboard.address}/api/runs/running`, { method })).status).toBe(404);
    }
    const url = `${dashboard.address}/api/runs/running/reset-here`;
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await ask(url, { method: "POST", headers: form, body: "a=1" })).status).toBe(415);
    const json = { "content-type": "application/json" };
    const answer = await ask(url, { method: "POST", headers: json, body: "{}" });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/drpo dashboard runs --server/);
  });

  test("tells a new iteration, a new run and one that ended", async () => {
    const events = await eventsOf(`${dashboard.address}/api/events`);
    expect((await events.next()).isAll).toBe(true);
    await writeIteration(running, 6);
    await events.until(({ runs }) => runs.some(({ id, iteration }) => id === "running" && iteration === 6));
    const added = await writeRun(join(root, "sweep", "added"), { iterations: 1 });
    await events.until(({ runs }) => runs.some(({ id, status }) => id === "sweep/added" && status === "running"));
    await added.end("failed", "It diverged.");
    await added.close();
    await events.until(({ runs }) =>
      runs.some(({ id, message }) => id === "sweep/added" && message === "It diverged."),
    );
    await rm(join(root, "sweep", "added"), { recursive: true });
    await events.until(({ gone }) => gone.includes("sweep/added"));
    events.close();
  });
});

/** The events of a connection, one after the other. */
async function eventsOf(url: string) {
  const controller = new AbortController();
  const response = await fetch(url, { signal: controller.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  const waiting: RunsEvent[] = [];
  const next = async (): Promise<RunsEvent> => {
    while (waiting.length === 0) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the events ended");
      const parts = (rest + value).split("\n\n");
      rest = parts.pop()!;
      waiting.push(
        ...parts.filter((part) => part.startsWith("data: ")).map((part) => JSON.parse(part.slice(6)) as RunsEvent),
      );
    }
    return waiting.shift()!;
  };
  const until = async (isWanted: (event: RunsEvent) => boolean): Promise<RunsEvent> => {
    for (;;) {
      const event = await next();
      if (isWanted(event)) return event;
    }
  };
  return { next, until, close: () => controller.abort() };
}

describe("a dashboard for others", () => {
  test("needs a token", async () => {
    await expect(start({ host: "0.0.0.0" })).rejects.toThrow(BadInputError);
    await expect(start({ host: "0.0.0.0", token: "" })).rejects.toThrow(/DRPO_DASHBOARD_TOKEN/);
  });

  test("gives data to those who send it, and to nobody else", async () => {
    const dashboard = await start({ token: TOKEN });
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await ask(dashboard.address + path, { headers })).status;
    expect(await status("/")).toBe(200);
    for (const path of ["/api/runs", "/api/events", "/api/overview", "/api/runs/running/rollouts/3/2/0"]) {
      expect(await status(path)).toBe(401);
      expect(await status(`${path}?token=${encodeURIComponent(TOKEN)}`)).toBe(401);
      expect(await status(path, { authorization: "Bearer another" })).toBe(401);
    }
    expect(await status("/api/runs", { authorization: `Bearer ${TOKEN}` })).toBe(200);
    await dashboard.close();
  });
});

test("a port in use, and a page that is not built, are told", async () => {
  const first = await start();
  const port = Number(new URL(first.address).port);
  await expect(start({ port })).rejects.toThrow(/port is in use.*--port 0/);
  await first.close();
  await expect(start({ pageFolder: root })).rejects.toThrow(EnvironmentError);
});

test("what is read is what was appended", async () => {
  const directory = join(root, "long");
  const run = await writeRun(directory, { iterations: 40 });
  let bytes = 0;
  const dashboard = await start({ root: directory, onRead: (count) => (bytes += count) });
  const curves = async () =>
    (JSON.parse((await ask(`${dashboard.address}/api/runs/long/curves`)).text) as Curves).stages;
  await curves();
  const before = bytes;
  await curves();
  expect(bytes).toBe(before);
  await writeIteration(run, 41);
  expect((await curves()).find(({ stage }) => stage === "policy")!.count).toBe(41);
  // The lines of one iteration in journal and metrics, and what is compared at the end of what was read before.
  expect(bytes - before).toBeLessThan(2_500);
  await run.close();
  await dashboard.close();
  expect(await readFile(join(directory, "metrics.jsonl"), "utf8")).toMatch(/"iteration":41/);
});
