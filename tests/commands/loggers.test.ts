import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import { readHistory } from "../../src/run/read-history.js";
import { readRunRecord } from "../../src/run/read-run.js";
import { readTensorboard } from "../loggers/tensorboard-reader.js";
import { startWandbServer } from "../loggers/wandb-server.js";
import { journalHas } from "./committed-run.js";
import { createTinyProject, hasPython, PYTHON, type TinyProject } from "./tiny-project.js";

const KEY = "0123456789abcdef".repeat(3);
const describeWithPython = hasPython ? describe : describe.skip;

describeWithPython("loggers of a run on the real server", () => {
  let project: TinyProject;
  const inProject = (...names: string[]) => join(project.folder, ...names);
  /** No login of whoever runs the tests. */
  const nobody = () => ({ HOME: project.folder, WANDB_API_KEY: "" });

  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    const loggers = [{ kind: "tensorboard" }, { kind: "wandb", project: "tiny", mode: "offline" }];
    await project.writeRecipe({ loggers });
    const args = ["train", "recipe.json", "--run-dir", "killed"];
    const child = project.start(args, { environment: nobody() });
    await journalHas(inProject("killed", "journal.jsonl"), '"iteration":2', child);
    child.kill("SIGKILL");
    await child.ended;
    const resumed = await project.drpo(["train", "--resume", "--run-dir", "killed"], { environment: nobody() });
    expect(resumed).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/wandb: wandb sync /) });
  }, 240_000);
  afterAll(() => project.remove());

  test("after a kill and a resume TensorBoard has the metrics of metrics.jsonl, each once", () => expectTensorboard());

  test("and so has W&B, when what was kept offline is sent", () => expectWandb());

  test("`drpo log-metrics` sends them again, and changes nothing", async () => {
    const { exitCode, stdout, stderr } = await project.drpo(["log-metrics", "killed", "--json"], {
      environment: nobody(),
    });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^wandb: wandb sync /) });
    const { length } = await readHistory(inProject("killed"));
    expect(JSON.parse(stdout)).toMatchObject({ loggers: ["tensorboard", "wandb"], lines: length, evaluation: true });
    await expectTensorboard();
    await expectWandb();
  });

  test("a logger that fails does not end the run, and is heard of once", async () => {
    const refusing = await startWandbServer({ refuses: true });
    try {
      const online = `loggers=[{"kind":"tensorboard"},{"kind":"wandb","project":"tiny"}]`;
      const environment = { ...nobody(), WANDB_API_KEY: KEY, WANDB_BASE_URL: refusing.url };
      const args = ["train", "recipe.json", "--run-dir", "refused", "--set", online];
      const { exitCode, stderr } = await project.drpo(args, { environment });
      expect(exitCode).toBe(0);
      expect(stderr.match(/wandb gets no more metrics/g)).toHaveLength(1);
      expect(stderr).toMatch(/403[\s\S]*drpo log-metrics refused/);
      expect((await readTensorboard(inProject("refused", "tensorboard"))).scalars["policy/score"]).toHaveLength(4);
    } finally {
      await refusing.close();
    }
  }, 240_000);

  test("online without a key is refused before there is anything", async () => {
    const online = `loggers=[{"kind":"wandb","project":"tiny"}]`;
    const args = ["train", "recipe.json", "--run-dir", "keyless", "--set", online];
    const { exitCode, stderr } = await project.drpo(args, { environment: nobody() });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/no API key\. Set WANDB_API_KEY/);
    expect(existsSync(inProject("keyless"))).toBe(false);
  });

  test("a run without loggers is told how to name some", async () => {
    const { exitCode, stderr } = await project.drpo(["log-metrics", "killed", "--set", "loggers=[]"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/has no loggers\. Name some: --set 'loggers=/);
  });

  /** Names and values of a run's lines; W&B's rows and TensorBoard's points are compared with them. */
  const named = ({ stage, metrics }: MetricsLine) =>
    Object.entries(metrics).map(([name, value]) => [`${stage}/${name}`, value] as const);

  async function expectTensorboard(): Promise<void> {
    const history = await readHistory(inProject("killed"));
    const { scalars } = await readTensorboard(inProject("killed", "tensorboard"));
    const expected = new Map<string, [number, number][]>();
    for (const line of history) {
      for (const [tag, value] of named(line))
        expected.set(tag, [...(expected.get(tag) ?? []), [line.iteration, Math.fround(value)]]);
    }
    const found = Object.entries(scalars).filter(([tag]) => !tag.startsWith("evaluation/"));
    expect(expected.get("policy/score")).toHaveLength(4);
    expect(
      Object.fromEntries(found.map(([tag, points]) => [tag, points.map(([step, , value]) => [step, value])])),
    ).toEqual(Object.fromEntries(expected));
    for (const [, points] of found) {
      const times = points.map(([, time]) => time);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
    const { policy } = JSON.parse(await readFile(inProject("killed", "evaluation.json"), "utf8")) as {
      policy: { score: { mean: number } };
    };
    expect(scalars["evaluation/policy/score"]!.map(([, , value]) => value)).toEqual([Math.fround(policy.score.mean)]);
  }

  async function expectWandb(): Promise<void> {
    const server = await startWandbServer();
    try {
      const folders = await readdir(inProject("killed", "wandb"));
      const newest = folders
        .filter((name) => name.startsWith("offline-run-"))
        .sort()
        .at(-1)!;
      const env = { ...process.env, ...nobody(), WANDB_API_KEY: KEY, WANDB_BASE_URL: server.url };
      const args = ["-m", "wandb", "sync", inProject("killed", "wandb", newest)];
      await promisify(execFile)(PYTHON, args, { env, cwd: project.folder });
      const { runId } = await readRunRecord(inProject("killed"));
      const { rows, summary } = server.runs.get(runId)!;
      const history = await readHistory(inProject("killed"));
      expect(rows.map(({ _step, _runtime, _timestamp, ...metrics }) => metrics)).toEqual(
        history.map((line) => ({ ...Object.fromEntries(named(line)), [`${line.stage}/iteration`]: line.iteration })),
      );
      expect(summary["evaluation/policy/score"]).toEqual(expect.any(Number));
    } finally {
      await server.close();
    }
  }
});
