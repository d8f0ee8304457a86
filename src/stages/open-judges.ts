import type { Judge } from "../ports/judge.js";
import { rewardJudge } from "./reward-judge.js";
import type { JudgeSource, OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/**
 * The judges in their order; those that are reward models are trained or loaded now.
 * @param sft called if one of them needs it
 */
export async function openJudges(
  run: OpenRun,
  sources: readonly JudgeSource[],
  sft: () => Promise<SftOutput>,
): Promise<readonly Judge[]> {
  const judges: Judge[] = [];
  for (const source of sources) judges.push("compare" in source ? source : await rewardJudge(run, source, await sft()));
  return judges;
}
