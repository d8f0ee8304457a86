import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { WandbLogger } from "../../src/loggers/wandb-logger.js";
import { wandbLoggerOptions } from "../../src/loggers/wandb-options.js";
import { checkWandb, type WandbPython } from "../../src/loggers/wandb-process.js";
import { ROOT } from "../commands/run-drpo.js";
import { hasPython, PYTHON } from "../commands/tiny-project.js";
import { evaluation, line, loggedRun } from "./logged-runs.js";
import { startWandbServer, type WandbServer } from "./wandb-server.js";

const KEY = "0123456789abcdef".repeat(3);
const describeWithPython = hasPython ? describe : describe.skip;

describeWithPython("WandbLogger, with W&B's own SDK", () => {
  let directory: string;
  let server: WandbServer;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "drpo-wandb-"));
    await mkdir(join(directory, "run"));
    server = await startWandbServer();
  });
  afterEach(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  const python = (environment: Readonly<Record<string, string>> = {}): WandbPython => ({
    ...{ python: PYTHON, packages: join(ROOT, "server-images") },
    environment: { PATH: process.env["PATH"], HOME: directory, ...environment },
  });
  const loggedIn = () => ({ WANDB_BASE_URL: server.url, WANDB_API_KEY: KEY });
  const logger = (mode: "online" | "offline", environment: Readonly<Record<string, string>>) =>
    new WandbLogger(
      wandbLoggerOptions.parse({ kind: "wandb", project: "reviews", group: "ablation", tags: ["tiny"], mode }),
      python(environment),
    );
  const run = (...history: Parameters<typeof loggedRun>[1] & object) => loggedRun(join(directory, "run"), history);
  const stored = () => server.runs.get(run().runId)!;
  const rows = () => stored().rows.map(({ _runtime, ...row }) => row);
  const row = (step: number, stage: string, iteration: number, metrics: Readonly<Record<string, number>>) => ({
    ...{ _step: step, _timestamp: Date.UTC(2026, 0, 1) / 1000 + iteration, [`${stage}/iteration`]: iteration },
    ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${stage}/${name}`, value])),
  });
  const offlineFolders = async () =>
    (await readdir(join(directory, "run", "wandb"))).filter((name) => name.startsWith("offline-run-"));
  const sync = async () => {
    const [folder] = await offlineFolders();
    const args = ["-m", "wandb", "sync", join(directory, "run", "wandb", folder!)];
    await promisify(execFile)(PYTHON, args, { cwd: directory, env: { ...python(loggedIn()).environment } });
  };

  test("offline, a run is kept in files, and `wandb sync` sends all of it", async () => {
    const offline = logger("offline", {});
    await offline.start(run(line("sft", 1, { loss: 3.25 })));
    await offline.log(line("policy", 1, { score: 0.1, kl: NaN }));
    await offline.log(line("policy", 2, { score: -1e-9 }));
    await offline.logEvaluation(evaluation);
    await offline.close({ isDone: true });
    expect(server.runs.size).toBe(0);

    await sync();
    expect(rows()).toEqual([
      row(0, "sft", 1, { loss: 3.25 }),
      row(1, "policy", 1, { score: 0.1 }),
      row(2, "policy", 2, { score: -1e-9 }),
    ]);
    expect(stored().summary).toMatchObject({ "policy/score": -1e-9, "evaluation/policy/score": 2 });
    expect(stored().attributes).toMatchObject({ displayName: "reviews-seed1", groupName: "ablation", tags: ["tiny"] });
    expect(stored().config).toMatchObject({ policy: { value: { reset: { proportion: 0.5 } } } });
    // Every metric of a stage is drawn over that stage's iterations.
    expect(JSON.stringify(stored().config)).toMatch(
      /"policy\/\*"[\s\S]*"policy\/iteration"|"policy\/iteration"[\s\S]*"policy\/\*"/,
    );
  });

  test("offline, a resumed run replaces what it kept before the crash", async () => {
    const crashed = logger("offline", {});
    await crashed.start(run());
    for (const i of [1, 2, 3]) await crashed.log(line("policy", i, { score: i }));
    await crashed.close({ isDone: false });
    const [before] = await offlineFolders();

    const resumed = logger("offline", {});
    await resumed.start(run(line("policy", 1, { score: 1 })));
    for (const i of [2, 3, 4]) await resumed.log(line("policy", i, { score: i }));
    await resumed.close({ isDone: true });
    expect(await offlineFolders()).toEqual([expect.not.stringMatching(before!)]);
    await sync();
    expect(rows()).toEqual([1, 2, 3, 4].map((i) => row(i - 1, "policy", i, { score: i })));
  });

  test("online, a resumed run goes on where the server's rows end; the key stays out of the run directory", async () => {
    const crashed = logger("online", loggedIn());
    await crashed.start(run(line("sft", 1, { loss: 1 })));
    for (const i of [1, 2]) await crashed.log(line("policy", i, { score: i }));
    await crashed.close({ isDone: false });
    expect(stored().exitCode).toBe(1);
    expect(rows()).toHaveLength(3);

    const notes: string[] = [];
    const resumed = logger("online", loggedIn());
    const history = [line("sft", 1, { loss: 1 }), line("policy", 1, { score: 1 })];
    await resumed.start({ ...run(...history), note: (text) => notes.push(text) });
    for (const i of [2, 3]) await resumed.log(line("policy", i, { score: i }));
    await resumed.close({ isDone: true });
    expect(rows()).toEqual([row(0, "sft", 1, { loss: 1 }), ...[1, 2, 3].map((i) => row(i, "policy", i, { score: i }))]);
    expect(stored().exitCode).toBe(0);
    expect(server.runs.size).toBe(1);
    expect(notes).toEqual([`wandb: ${server.url}/us/reviews/runs/${run().runId}`]);
    expect(await filesWith(join(directory, "run"), KEY)).toEqual([]);
  });

  test("a server that refuses is an error that says so", async () => {
    const refusing = await startWandbServer({ refuses: true });
    try {
      const online = logger("online", { ...loggedIn(), WANDB_BASE_URL: refusing.url });
      await online.start(run());
      await expect(online.close({ isDone: true })).rejects.toThrow(/^W&B: .*403[\s\S]*wandb\.log has what it said/);
    } finally {
      await refusing.close();
    }
  });

  test("what is missing is found before a run: a key, the package, the interpreter", async () => {
    await expect(checkWandb(python(), "online")).rejects.toThrow(/no API key. Set WANDB_API_KEY.*wandb login/);
    await expect(checkWandb(python(), "offline")).resolves.toBeUndefined();
    await expect(checkWandb(python({ WANDB_API_KEY: KEY }), "online")).resolves.toBeUndefined();
    const shadow = join(directory, "shadow");
    await mkdir(shadow);
    await writeFile(join(shadow, "wandb.py"), "raise ImportError('none here')");
    const without = python({ PYTHONPATH: shadow });
    await expect(checkWandb(without, "offline")).rejects.toThrow(/none here.*-m pip install wandb==/);
    await expect(checkWandb({ ...python(), python: "/no/python" }, "offline")).rejects.toThrow(/\/no\/python/);
  });
});

/** Files below a folder that hold a text. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(0);
  const found = await Promise.all(files.map(async (file) => ((await readFile(file)).includes(text) ? [file] : [])));
  return found.flat();
}
