import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Evaluation } from "../../src/domain/evaluation.js";
import { readRun } from "../../src/run/read-run.js";
import { checkpointHashes, fileHashes, journalHas } from "./committed-run.js";
import { createTinyProject, hasPython, type TinyProject } from "./tiny-project.js";

/** What the whole system does, with the real server and a model of a few thousand weights. */
const describeWithPython = hasPython ? describe : describe.skip;

describeWithPython("drpo on the real server", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    const outcome = await project.drpo(["train", "recipe.json", "--run-dir", "undisturbed", "--json"]);
    expect(outcome.stderr).toMatch(/policy: 4 iterations/);
    expect(outcome.exitCode).toBe(0);
    trained = JSON.parse(outcome.stdout) as typeof trained;
  }, 240_000);
  afterAll(() => project.remove());

  let trained: { readonly runDirectory: string; readonly report: string; readonly evaluation: Evaluation };
  const inProject = (...names: string[]) => join(project.folder, ...names);

  test("a run leaves its recipe, journal, metrics, rollouts, checkpoints, evaluation and report", async () => {
    expect(await readdir(trained.runDirectory)).toEqual(
      expect.arrayContaining([
        ...[
          "recipe.json",
          "journal.jsonl",
          "metrics.jsonl",
          "rollouts",
          "checkpoints",
          "evaluation.json",
          "report.html",
        ],
      ]),
    );
    const run = await readRun(trained.runDirectory);
    expect(run.problems).toEqual([]);
    expect(run.lastCommit?.iteration).toBe(4);
    expect(run.evaluation).toEqual(trained.evaluation);
    expect(trained.evaluation.policy.score.n).toBe(16);
    expect(Object.keys(run.record.hashes).sort()).toEqual(["base", "data", "tokenizer"]);
    expect(await readFile(trained.report, "utf8")).toMatch(/<\/html>\s*$/);
  });

  test("another run reuses the stages that it shares, and draws no resets at proportion 0", async () => {
    const args = ["train", "recipe.json", "--run-dir", "ppo", "--set", "policy.reset.proportion=0"];
    const { stdout, stderr, exitCode } = await project.drpo(args);
    expect(stderr).toMatch(/sft: reused from the cache[\s\S]*reward: reused from the cache/);
    expect(stdout).toMatch(/Run directory: ppo\nReport: +ppo\/report\.html\n?$/);
    expect(exitCode).toBe(0);
    const rollouts = await readFile(inProject("ppo", "rollouts", "000001.jsonl"), "utf8");
    const rows = rollouts
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { sourceId: string | null; prefix: number[] });
    expect(rows).toHaveLength(8);
    for (const { sourceId, prefix } of rows) expect([sourceId, prefix]).toEqual([null, []]);
  }, 240_000);

  test.each([
    ["SIGKILL", null],
    ["SIGINT", 130],
  ] as const)(
    "after %s, --resume ends with the very weights of an undisturbed run",
    async (signal, exitCode) => {
      const directory = `after-${signal}`;
      const child = project.start(["train", "recipe.json", "--run-dir", directory]);
      await journalHas(inProject(directory, "journal.jsonl"), '"iteration":2', child);
      child.kill(signal);
      const killed = await child.ended;
      expect(killed.exitCode).toBe(exitCode);
      if (signal === "SIGINT") expect(killed.stderr).toMatch(/drpo train --resume --run-dir after-SIGINT/);
      expect(existsSync(inProject(directory, "evaluation.json"))).toBe(false);

      const resumed = await project.drpo(["train", "--resume", "--run-dir", directory, "--json"]);
      expect(resumed.stderr).toMatch(/going on after iteration [23]/);
      expect(resumed.exitCode).toBe(0);
      expect(await checkpointHashes(inProject(directory), 4)).toEqual(await checkpointHashes(trained.runDirectory, 4));
      const { evaluation } = JSON.parse(resumed.stdout) as typeof trained;
      expect(evaluation).toEqual(trained.evaluation);
    },
    240_000,
  );

  test("a finished run is not run over, nor resumed with another recipe", async () => {
    const again = await project.drpo(["train", "recipe.json", "--run-dir", "undisturbed"]);
    expect(again.stderr).toMatch(/holds a run already \(4 iterations.*--resume/);
    expect(again.exitCode).toBe(2);
    const other = await project.drpo(["train", "--resume", "--run-dir", "undisturbed", "--set", "policy.klCoef=1"]);
    expect(other.stderr).toMatch(/policy\.klCoef: 0\.05 when the run began, 1 now/);
    expect(other.exitCode).toBe(2);
  });

  test("a prompt longer than the context is refused before anything is trained", async () => {
    const prompt = Array.from({ length: 60 }, (_, i) => `w${i % 30}`).join(" ");
    const args = ["train", "recipe.json", "--run-dir", "long", "--set", `data.prompt=${prompt}`];
    const { stderr, exitCode } = await project.drpo(args);
    expect(stderr).toMatch(/60 tokens; with response\.maxTokens = 6 it does not fit the base's context of 64/);
    expect(exitCode).toBe(2);
    expect(await readFile(inProject("long", "metrics.jsonl"), "utf8")).toBe("");
  }, 60_000);

  test("sample answers with the policy and with SFT, the same for the same seed", async () => {
    const ask = async (...args: string[]) => {
      const { stdout, exitCode } = await project.drpo(["sample", "undisturbed", "--json", ...args]);
      expect(exitCode).toBe(0);
      return JSON.parse(stdout) as { prompt: string; model: string; responses: { text: string; tokens: number }[] };
    };
    const policy = await ask();
    expect(policy).toMatchObject({ model: "policy", prompt: "w1 w2" });
    expect(policy.responses).toHaveLength(4);
    expect(await ask()).toEqual(policy);
    const sft = await ask("w3", "--model", "sft", "-n", "2", "--max-tokens", "3");
    expect(sft.responses).toHaveLength(2);
    for (const { tokens } of sft.responses) expect(tokens).toBeLessThanOrEqual(3);
  }, 120_000);

  test("export writes an adapter and a merged folder, and leaves the run as it was", async () => {
    const before = await readdir(inProject("undisturbed", "checkpoints"));
    const adapter = await project.drpo(["export", "undisturbed", "--to", "out/adapter"]);
    expect(adapter.stdout).toBe("out/adapter");
    expect(await readdir(inProject("out/adapter"))).toEqual(
      expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors"]),
    );
    const args = [
      "export",
      "undisturbed",
      "--model",
      "reward-model",
      "--format",
      "merged",
      "--to",
      "out/merged",
      "--json",
    ];
    expect(JSON.parse((await project.drpo(args)).stdout)).toMatchObject({
      path: inProject("out/merged"),
      isLocal: true,
    });
    expect(await readdir(inProject("out/merged"))).toEqual(
      expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json"]),
    );
    expect(await readdir(inProject("undisturbed", "checkpoints"))).toEqual(before);
    expect(
      (await readdir(inProject("cache"))).filter((name) => name.startsWith("read-") && !name.endsWith(".log")),
    ).toEqual([]);
    const occupied = await project.drpo(["export", "undisturbed", "--to", "out/adapter"]);
    expect(occupied.stderr).toMatch(/--to .*out\/adapter: the folder is not empty/);
    expect(occupied.exitCode).toBe(2);
  }, 120_000);

  test("report writes report.html again", async () => {
    await rm(trained.report);
    const { stdout, exitCode } = await project.drpo(["report", "undisturbed"]);
    expect(stdout).toBe("Report: undisturbed/report.html");
    expect(exitCode).toBe(0);
    expect(existsSync(trained.report)).toBe(true);
  });

  test("serve says where it is, trains for others, and ends by Ctrl-C", async () => {
    const server = project.start(["serve", "--port", "0", "--threads", "1", "--json"]);
    const address = (await server.says(/"address": "([^"]+)"/))[1]!;
    const remote = `server=${JSON.stringify({ kind: "remote", address })}`;
    const doctor = await project.drpo(["doctor", "--server", address, "--json"]);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { name: string; isOk: boolean }[] };
    expect(findings).toContainEqual(expect.objectContaining({ name: `server ${address}`, isOk: true }));
    const args = ["train", "recipe.json", "--run-dir", "remote", "--set", remote, "--set", "policy.iterations=1"];
    const { exitCode, stderr } = await project.drpo([...args, "--json"]);
    expect(stderr).toMatch(new RegExp(`model server: ${address}`));
    expect(exitCode).toBe(0);

    // The run's weights are the server's; they come here all the same.
    const exported = await project.drpo(["export", "remote", "--format", "merged", "--to", "out/remote"]);
    expect(exported).toMatchObject({ exitCode: 0, stdout: "out/remote" });
    expect(exported.stderr).toMatch(/download/);
    expect(await readdir(inProject("out/remote"))).toEqual(
      expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "manifest.json"]),
    );
    const checkpoint = ["export", "remote", "--format", "checkpoint", "--to", "out/checkpoint"];
    expect(await project.drpo(checkpoint)).toMatchObject({ exitCode: 0, stdout: "out/checkpoint" });
    const { uri } = (await readRun(inProject("remote"))).lastCommit!.checkpoint;
    expect(await fileHashes(inProject("out/checkpoint"))).toEqual(await fileHashes(inProject("drpo-server", uri)));
    server.kill("SIGINT");
    expect((await server.ended).exitCode).toBe(0);
  }, 240_000);
});
