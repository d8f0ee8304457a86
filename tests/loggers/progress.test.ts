import { describe, expect, test } from "@jest/globals";
import { createProgress } from "../../src/loggers/create-progress.js";
import { formatDuration } from "../../src/loggers/format-duration.js";
import { manualProgressClock } from "./manual-progress-clock.js";
import { createScreen } from "./screen.js";

describe("a duration", () => {
  test.each([
    [0, "0 s"],
    [59_400, "59 s"],
    [60_000, "1 min 00 s"],
    [130_000, "2 min 10 s"],
    [3_900_000, "1 h 05 min"],
  ])("of %d ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("progress in a file", () => {
  const start = () => {
    const clock = manualProgressClock();
    const lines: string[] = [];
    const stream = { write: (text: string) => void lines.push(text) };
    return { clock, lines, progress: createProgress(stream, { useColor: false, clock }) };
  };

  test("is plain lines with the time, at most one in ten seconds", () => {
    const { clock, lines, progress } = start();
    const task = progress.start("policy", 10, "iterations");
    for (let done = 1; done <= 4; done++) {
      clock.advance(5000);
      task.update(done, { score: 0.12345, kl: NaN });
    }
    task.end();
    expect(lines).toEqual([
      "00:00:10 policy: 2/10 iterations, score 0.123, 40 s left\n",
      "00:00:20 policy: 4/10 iterations, score 0.123, 30 s left\n",
      "00:00:20 policy: 10 iterations, score 0.123, 20 s\n",
    ]);
  });

  test("does not take what was done before for speed", () => {
    const { clock, lines, progress } = start();
    const task = progress.start("policy", 10, "iterations");
    task.update(6);
    clock.advance(20_000);
    task.update(8);
    expect(lines.at(-1)).toBe("00:00:20 policy: 8/10 iterations, 20 s left\n");
  });

  test("keeps notes and how a task ended", () => {
    const { clock, lines, progress } = start();
    progress.note("sft: reused from the cache");
    const task = progress.start("validation", 8, "responses");
    clock.advance(1500);
    task.end("score 0.5");
    expect(lines).toEqual(["00:00:00 sft: reused from the cache\n", "00:00:01 validation: score 0.5, 2 s\n"]);
  });
});

describe("progress on a terminal", () => {
  const start = (columns = 80) => {
    const clock = manualProgressClock();
    const screen = createScreen();
    const stream = { isTTY: true, columns, write: (text: string) => screen.write(text) };
    return { clock, screen, progress: createProgress(stream, { useColor: false, clock }) };
  };

  test("is a bar for each task, drawn over in place, above which lines stay", () => {
    const { clock, screen, progress } = start(100);
    const outer = progress.start("policy", 4, "iterations");
    clock.advance(10_000);
    outer.update(1, { score: 0.5 });
    const inner = progress.start("validation", 8, "responses");
    progress.note("a note");
    expect(screen.lines()).toEqual([
      "a note",
      "policy ██████░░░░░░░░░░░░░░░░░░ 1/4 iterations  30 s left  score 0.5",
      "validation ░░░░░░░░░░░░░░░░░░░░░░░░ 0/8 responses",
    ]);
    inner.end("score 0.7");
    outer.end();
    expect(screen.lines()).toEqual(["a note", "validation score 0.7, 0 s", "policy 4 iterations, score 0.5, 10 s"]);
  });

  test("counts the time left down between updates, and stops its clock at the end", () => {
    const { clock, screen, progress } = start();
    const task = progress.start("sft", 4, "batches");
    clock.advance(10_000);
    task.update(1);
    clock.advance(4000);
    expect(screen.lines()).toEqual(["sft ██████░░░░░░░░░░░░░░░░░░ 1/4 batches  26 s left"]);
    expect(clock.tickers).toBe(1);
    task.end();
    expect(clock.tickers).toBe(0);
  });

  test("is never wider than the terminal", () => {
    const { screen, progress } = start(30);
    progress.start("a label that is long", 4, "batches");
    expect(screen.lines()).toHaveLength(1);
    expect(screen.lines()[0]).toHaveLength(29);
    expect(screen.lines()[0]).toMatch(/…$/);
  });

  test("leaves the screen to others once it is closed", () => {
    const { clock, screen, progress } = start();
    progress.start("sft", 4, "batches");
    progress.close();
    screen.write("drpo: an error\n");
    clock.advance(5000);
    expect(screen.lines()).toEqual(["sft ░░░░░░░░░░░░░░░░░░░░░░░░ 0/4 batches", "drpo: an error"]);
  });

  test("is plain lines on a dumb one", () => {
    const { clock } = start();
    const lines: string[] = [];
    const stream = { isTTY: true, write: (text: string) => void lines.push(text) };
    createProgress(stream, { useColor: false, isDumb: true, clock }).note("a note");
    expect(lines).toEqual(["00:00:00 a note\n"]);
  });
});
