import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Evaluation, EvaluationRows, JudgedRow } from "../domain/evaluation.js";
import { BadInputError, EnvironmentError } from "../errors.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import { waitForRun } from "../run/lock-run.js";
import { readEvaluation, readEvaluationRows } from "../run/read-evaluation.js";
import { readRunRecord } from "../run/read-run.js";
import { writeVerdicts } from "../run/write-evaluation.js";
import { judgeResponses, type Pairing, pairings } from "../stages/evaluation/judge-responses.js";
import { mergeVerdicts, withVerdicts } from "../stages/evaluation/merge-verdicts.js";
import { openJudges } from "../stages/open-judges.js";
import type { JudgeSource } from "../stages/run-context.js";
import { sftStage } from "../stages/sft.js";
import type { CommandContext } from "./command-context.js";
import { createJudges } from "./create-judges.js";
import { readOpponents } from "./judge-opponents.js";
import { refuseUnwritableRun } from "./open-model-server.js";
import { openTrainedRun } from "./open-trained-run.js";
import { parseJudges, readJudges } from "./read-judges.js";

export interface JudgeRequest {
  /** Absolute; of the run. */
  readonly directory: string;
  /** "sft", "reference" or run directories; undefined: as the recipe says. */
  readonly against: readonly string[] | undefined;
  /** Absolute; a file of judges. Undefined: those of the recipe. */
  readonly judges: string | undefined;
  /** `path=value`: where files of the run are now. */
  readonly set?: readonly string[] | undefined;
}

/** For another judge to write its verdicts down. */
const PATIENCE_MS = 10_000;

interface Session {
  readonly progress: ClosableProgress;
  readonly signal: AbortSignal;
}

/** Of the section `evaluation` of a resolved recipe. */
const sectionSchema = z.object({ judges: z.array(z.unknown()), against: z.array(z.string()) });

/**
 * Judges the stored responses of an evaluated run, and writes what is said beside what other judges said. No model server
 * is needed, but for a judge that is a reward model.
 * @returns the evaluation with the new verdicts
 * @throws BadInputError before anybody is asked; what judges throw; EnvironmentError if the run is evaluated anew meanwhile
 */
export async function judgeRun(context: CommandContext, request: JudgeRequest, session: Session): Promise<Evaluation> {
  const { directory } = request;
  const { recipe } = await readRunRecord(directory);
  const { judges: own, against } = sectionSchema.catch({ judges: [], against: ["sft"] }).parse(recipe["evaluation"]);
  const rows = await readResponses(directory);
  await refuseUnwritableRun(context, directory);
  const opponents = await readOpponents(request.against ?? against, rows, context.cwd);
  const where = request.judges ?? join(directory, "recipe.json");
  if (request.judges === undefined && own.length === 0) {
    throw new BadInputError(
      `${where}: evaluation.judges is empty. Name a file of judges with --judges: ` + '[{"kind": "lexicon"}] is one.',
    );
  }
  const judges = request.judges === undefined ? parseJudges(own, where) : await readJudges(request.judges);
  const sources = await createJudges(judges, request.judges === undefined ? "evaluation.judges" : where, context);
  const verdicts = await askJudges(
    context,
    { directory, set: request.set ?? [], sources, asked: pairings(rows, opponents) },
    session,
  );
  return keepVerdicts(directory, rows, verdicts);
}

type Written = Pick<EvaluationRows, "policy" | "sft" | "reference">;

/** @throws BadInputError if the run was not evaluated */
async function readResponses(directory: string): Promise<Written> {
  const { policy, sft, reference } = await readEvaluationRows(directory);
  if (policy.length > 0 && (await readEvaluation(directory)) !== null) return { policy, sft, reference };
  throw new BadInputError(
    `The run in ${directory} has no evaluation yet: there are no responses to judge. Finish it: ` +
      `drpo train --resume --run-dir ${directory}`,
  );
}

/** A server is there only as long as a judge on it needs it. */
async function askJudges(
  context: CommandContext,
  {
    directory,
    set,
    sources,
    asked,
  }: {
    readonly directory: string;
    readonly set: readonly string[];
    readonly sources: readonly JudgeSource[];
    readonly asked: readonly Pairing[];
  },
  session: Session,
): Promise<readonly JudgedRow[]> {
  const { progress, signal } = session;
  const ask = { progress, call: { signal } };
  const needsServer = sources.some((source) => !("compare" in source));
  if (!needsServer) {
    const judges = sources.flatMap((source) => ("compare" in source ? [source] : []));
    return judgeResponses({ ...ask, judges }, asked);
  }
  const trained = await openTrainedRun(context, directory, { ...session, set });
  try {
    const run = await trained.openToCompute();
    const judges = await openJudges(run, sources, () => sftStage(run));
    return await judgeResponses({ ...ask, judges }, asked);
  } finally {
    await trained.stop();
  }
}

const isSame = (now: Written, { policy, sft, reference }: Written): boolean =>
  isDeepStrictEqual([now.policy, now.sft, now.reference], [policy, sft, reference]);

/** Under the run's lock, and beside what was written since the responses were read. */
async function keepVerdicts(directory: string, judged: Written, verdicts: readonly JudgedRow[]): Promise<Evaluation> {
  const lock = await waitForRun(directory, AbortSignal.timeout(PATIENCE_MS));
  try {
    const [evaluation, now] = [await readEvaluation(directory), await readEvaluationRows(directory)];
    if (evaluation === null || !isSame(now, judged)) {
      throw new EnvironmentError(
        `The run in ${directory} was evaluated anew while its responses were judged: the verdicts are of others. Judge again.`,
      );
    }
    const merged = mergeVerdicts(now.verdicts, verdicts);
    const result = withVerdicts(evaluation, merged);
    await writeVerdicts(directory, result, merged);
    return result;
  } finally {
    await lock.release();
  }
}
