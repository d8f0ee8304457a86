import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { TensorboardLogger } from "../../src/loggers/tensorboard-logger.js";
import { hasPython } from "../commands/tiny-project.js";
import { evaluation, line, loggedRun } from "./logged-runs.js";
import { readTensorboard, watchTensorboard } from "./tensorboard-reader.js";

const describeWithPython = hasPython ? describe : describe.skip;

describeWithPython("TensorboardLogger, read by TensorBoard", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "drpo-tensorboard-"));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const events = () => join(directory, "tensorboard");

  test("metrics have their names, iterations, times and values; what is not finite is left out", async () => {
    const logger = new TensorboardLogger({ kind: "tensorboard" });
    await logger.start(loggedRun(directory, [line("sft", 1, { loss: 3.25 })]));
    await logger.log(line("policy", 1, { score: 0.1, kl: NaN }));
    await logger.log(line("policy", 2, { score: -1e-9, kl: 12345.678 }));
    await logger.logEvaluation(evaluation);
    await logger.close({ isDone: true });

    const { scalars, text, hparams } = await readTensorboard(events());
    const begin = Date.UTC(2026, 0, 1) / 1000;
    expect(scalars["sft/loss"]).toEqual([[1, begin + 1, 3.25]]);
    expect(scalars["policy/score"]).toEqual([
      [1, begin + 1, Math.fround(0.1)],
      [2, begin + 2, Math.fround(-1e-9)],
    ]);
    expect(scalars["policy/kl"]).toEqual([[2, begin + 2, Math.fround(12345.678)]]);
    expect(scalars["evaluation/policy/score"]).toEqual([[3, expect.any(Number), 2]]);
    const winRates = Object.entries(scalars).filter(([name]) => name.includes("winRate/"));
    expect(Object.fromEntries(winRates)).toEqual({
      "evaluation/winRate/lexicon/sft": [[3, expect.any(Number), 0.625]],
      "evaluation/winRate/lexicon/reference": [[3, expect.any(Number), 0.5]],
      "evaluation/sft/winRate/lexicon/reference": [[3, expect.any(Number), 0.25]],
    });
    expect(Object.keys(scalars).filter((tag) => /rouge|evaluation\/reference|scoreScale/.test(tag))).toEqual([]);
    expect(text["recipe"]![0]).toContain('"proportion": 0.5');
    expect(hparams).toEqual({
      "_hparams_/session_start_info": {
        ...{ name: "reviews", seed: 1, "policy.kind": "online", "policy.reset.proportion": 0.5 },
        "policy.adaptiveKl": "null",
      },
      "_hparams_/session_end_info": { status: 1 },
    });
  });

  test("after a crash no point is there twice, neither for a reader that watched nor for a new one", async () => {
    const crashed = new TensorboardLogger({ kind: "tensorboard" });
    const sft = [1, 2, 3, 4, 5].map((i) => line("sft", i, { loss: i }));
    await crashed.start(loggedRun(directory));
    for (const one of [...sft, ...[1, 2, 3].map((i) => line("policy", i, { score: i }))]) await crashed.log(one);
    const watching = watchTensorboard(events());
    try {
      expect((await watching.reload()).scalars["policy/score"]).toHaveLength(3);
      // Iterations 2 and 3 were not committed: metrics.jsonl lost them.
      const resumed = new TensorboardLogger({ kind: "tensorboard" });
      await resumed.start(loggedRun(directory, [...sft, line("policy", 1, { score: 1 })]));
      for (const i of [2, 3, 4]) await resumed.log(line("policy", i, { score: 10 * i }));
      for (const { scalars } of [await watching.reload(), await readTensorboard(events())]) {
        const points = (tag: string) => scalars[tag]!.map(([step, , value]) => [step, value]);
        expect(points("sft/loss")).toEqual(sft.map(({ iteration, metrics }) => [iteration, metrics["loss"]]));
        expect(points("policy/score")).toEqual([[1, 1], ...[2, 3, 4].map((i) => [i, 10 * i])]);
      }
    } finally {
      watching.close();
    }
  });

  test("a stage that begins again replaces what it logged, and no other stage's", async () => {
    const logger = new TensorboardLogger({ kind: "tensorboard" });
    await logger.start(loggedRun(directory, [line("sft", 1, { loss: 1 }), line("reward", 1, { loss: 2 })]));
    await logger.log(line("reward", 2, { loss: 3 }));
    await logger.log(line("reward", 1, { loss: 4 }));
    await logger.log(line("reward", 2, { loss: 5 }));
    const { scalars } = await readTensorboard(events());
    expect(scalars["sft/loss"]!.map(([, , value]) => value)).toEqual([1]);
    expect(scalars["reward/loss"]!.map(([step, , value]) => [step, value])).toEqual([
      [1, 4],
      [2, 5],
    ]);
  });

  test("in a folder of one's own a run gets one of its name, and other programs' event files are left alone", async () => {
    const folder = join(directory, "boards", "reviews-seed1");
    await mkdir(folder, { recursive: true });
    const foreign = "events.out.tfevents.1700000000.host.123.0";
    await writeFile(join(folder, foreign), "theirs");
    const options = { kind: "tensorboard", directory: join(directory, "boards") } as const;
    for (let session = 0; session < 2; session++) await new TensorboardLogger(options).start(loggedRun(directory));
    expect(await readFile(join(folder, foreign), "utf8")).toBe("theirs");
    expect(await readdir(folder)).toHaveLength(3);
    expect(await readdir(directory)).toEqual(["boards"]);
  });

  test("a folder that cannot be written is named", async () => {
    await writeFile(join(directory, "boards"), "a file");
    const logger = new TensorboardLogger({ kind: "tensorboard", directory: join(directory, "boards") });
    await expect(logger.start(loggedRun(directory))).rejects.toThrow(/TensorBoard events in .*boards.*not a folder/);
  });
});
