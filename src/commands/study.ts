import { resolve } from "node:path";
import { Command } from "commander";
import { COVERAGE, COVERAGE_QUICK, type CoverageOptions, studyCoverage } from "../study/coverage/study-coverage.js";
import { withJobPool } from "../study/job-pool.js";
import type { LockJob } from "../study/lock/lock-job.js";
import type { LockRun } from "../study/lock/train-on-lock.js";
import type { LockOptions } from "../study/lock/lock-figures.js";
import { LOCK, LOCK_QUICK, studyLock } from "../study/lock/study-lock.js";
import { NPG, NPG_QUICK, studyNpg } from "../study/npg/study-npg.js";
import { seedsUpTo, type StudyContext, type StudyResult } from "../study/study.js";
import { studyMarkdown } from "../study/study-markdown.js";
import { makeStudyFolder, writeStudy } from "../study/write-study.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson } from "./command-context.js";
import { positiveNumber, wholeNumber } from "./option-parsers.js";
import { progressOf } from "./progress-of.js";
import { shownPath } from "./shown-path.js";

/** A thread of the studies of locks. */
const LOCK_WORKER = new URL("../study/lock/lock-worker.js", import.meta.url);

/** `drpo study`: experiments on exact tables, without a model server. */
export const studyCommand = (context: CommandContext): Command =>
  new Command("study")
    .summary("run an experiment on exact tables, without a model server")
    .description(
      "Experiments on policies that are exact tables: what they measure is computed, not estimated, and every number " +
        "follows from the seeds. A study says what it found and writes a page with plots, its tables as Markdown and its figures as JSON.",
    )
    .addHelpText("after", "\nExamples:\n  $ drpo study lock\n  $ drpo study npg --quick --json\n")
    .addCommand(lockCommand(context))
    .addCommand(npgCommand(context))
    .addCommand(coverageCommand(context));

const lockCommand = (context: CommandContext): Command =>
  study("lock", "PPO against DR-PO where a score is found by chance alone")
    .description(
      "Combination locks of horizon H with a sparse score: PPO, DR-PO with the theory's cut and with the released one, at the " +
        "same number of sampled tokens.",
    )
    .option("--horizons <numbers>", `every H to try (default: ${LOCK.horizons.join()})`, listOf(wholeNumber(2)))
    .option("--actions <count>", `tokens to choose from (default: ${LOCK.actions})`, wholeNumber(2))
    .option("--responses <count>", `size of D_TR (default: ${LOCK.responses})`, wholeNumber(1))
    .option("--share <number>", `share of D_TR that is the right response (default: ${LOCK.share})`, positiveNumber)
    .option("--max-tokens <count>", `DR-PO gives up after so many (default: ${LOCK.maxTokens})`, wholeNumber(1))
    .addHelpText("after", "\nExamples:\n  $ drpo study lock\n  $ drpo study lock --horizons 4,8,12 --seeds 3\n")
    .action((options: Common & Partial<Omit<LockOptions, "seeds">>) =>
      runStudy(context, "lock", options, (given, process) =>
        withJobPool<LockJob, LockRun, StudyResult>(LOCK_WORKER, (run) =>
          studyLock({ ...(options.quick ? LOCK_QUICK : LOCK), ...given }, process, run),
        ),
      ),
    );

const coverageCommand = (context: CommandContext): Command =>
  study("coverage", "the gap as the data covers the good path less and less")
    .description(
      "DR-PO on one combination lock with a fixed number of sampled tokens, as fewer and fewer responses of D_TR are the right one.",
    )
    .option("--horizon <tokens>", `H (default: ${COVERAGE.horizon})`, wholeNumber(2))
    .option("--actions <count>", `tokens to choose from (default: ${COVERAGE.actions})`, wholeNumber(2))
    .option("--responses <count>", `size of D_TR (default: ${COVERAGE.responses})`, wholeNumber(1))
    .option(
      "--right <numbers>",
      `right responses to try (default: ${COVERAGE.right.join()})`,
      fallingListOf(wholeNumber(0)),
    )
    .option("--budget-tokens <count>", `sampled tokens of a run (default: ${COVERAGE.budgetTokens})`, wholeNumber(1))
    .addHelpText("after", "\nExamples:\n  $ drpo study coverage\n  $ drpo study coverage --right 32,4,0 --seeds 3\n")
    .action((options: Common & Partial<Omit<CoverageOptions, "seeds">>) =>
      runStudy(context, "coverage", options, (given, process) =>
        withJobPool<LockJob, LockRun, StudyResult>(LOCK_WORKER, (run) =>
          studyCoverage({ ...(options.quick ? COVERAGE_QUICK : COVERAGE), ...given }, process, run),
        ),
      ),
    );

const npgCommand = (context: CommandContext): Command =>
  study("npg", "Algorithm 3 against the bounds of its theory")
    .description(
      "Natural policy gradient with dataset resets (Algorithm 3) on trees with random scores: its gap to the optimal policy " +
        "against Lemma B.8, and its KL to SFT against Lemma B.11, with an exact and with a sampled critic.",
    )
    .option("--iterations <numbers>", `every T to try (default: ${NPG.iterations.join()})`, listOf(wholeNumber(1)))
    .option("--kl-coefs <numbers>", `every lambda to try (default: ${NPG.klCoefs.join()})`, listOf(positiveNumber))
    .option("--horizon <tokens>", `H (default: ${NPG.horizon})`, wholeNumber(1))
    .option("--actions <count>", `tokens to choose from (default: ${NPG.actions})`, wholeNumber(2))
    .option("--trajectories <count>", `size of D_TR (default: ${NPG.trajectories})`, wholeNumber(1))
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo study npg\n  $ drpo study npg --iterations 1,16,256 --kl-coefs 0.01,0.1 --seeds 3\n",
    )
    .action((options: Common & Partial<Omit<typeof NPG, "seeds">>) =>
      runStudy(context, "npg", options, (given, process) =>
        studyNpg({ ...(options.quick ? NPG_QUICK : NPG), ...given }, process),
      ),
    );

/** Options of every study. */
interface Common {
  readonly seeds?: readonly number[];
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly to?: string;
}

const study = (name: string, summary: string): Command =>
  new Command(name)
    .summary(summary)
    .option("--seeds <count>", "seeds 1 to this (default: 10; quick: 2)", (text) => seedsUpTo(wholeNumber(1)(text)))
    .option("--quick", "a small version, in seconds")
    .option("--to <folder>", `where page, table and figures are written (default: studies/${name})`)
    .option("--json", "print the figures as JSON on standard output");

/** Runs a study, writes it down and prints it. @param work given the options that were set, less those that all have */
async function runStudy<Options extends Common>(
  context: CommandContext,
  name: string,
  { quick: _, json, to, ...given }: Options,
  work: (given: Omit<Options, "quick" | "json" | "to">, process: StudyContext) => Promise<StudyResult>,
): Promise<void> {
  const directory = resolve(context.cwd, to ?? `studies/${name}`);
  await makeStudyFolder(directory);
  const progress = progressOf(context);
  const { signal, release } = catchInterrupts(context);
  try {
    const result = await work(given, { progress, signal });
    const page = await writeStudy(result, directory);
    if (json) printJson(context, result.figures);
    else context.stdout.write(`${studyMarkdown(result)}\nPage: ${shownPath(page, context.cwd)}\n`);
  } finally {
    progress.close();
    release();
  }
}

/** Numbers with commas between them, sorted, each once. */
const listOf =
  (parse: (text: string) => number) =>
  (text: string): readonly number[] => {
    const numbers = text.split(",").map((part) => parse(part.trim()));
    return [...new Set(numbers)].sort((a, b) => a - b);
  };

const fallingListOf = (parse: (text: string) => number) => (text: string) => [...listOf(parse)(text)].reverse();
