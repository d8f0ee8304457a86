import type { EvaluatedReference } from "../../domain/evaluation.js";
import type { TrainingRollout } from "../../run/read-training-rollouts.js";
import type { RunGroup } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";

/** Responses of every model to one held-out prompt. */
export interface Sample {
  readonly prompt: string;
  readonly seed: number;
  readonly responses: readonly SampledResponse[];
}

export interface SampledResponse {
  readonly by: string;
  /** Index of the group's colour; null for SFT and the reference. */
  readonly colour: number | null;
  readonly text: string;
  readonly score: number;
}

/** Training rollouts of one group, as the last iteration left them. */
export interface TrainingSamples {
  readonly group: string;
  readonly colour: number;
  readonly seed: number;
  readonly rollouts: readonly TrainingRollout[];
}

const MAX_SAMPLES = 5;

/** The first prompts of the evaluation, not picked: each model's response under the same seed and noise. */
export function heldOutSamples(groups: readonly RunGroup[]): readonly Sample[] {
  const models = groups.flatMap((group) => {
    const run = group.runs.find(({ rows }) => rows.policy.length > 0);
    return run === undefined ? [] : [{ group, run }];
  });
  if (models.length === 0) return [];
  const { seed, rows } = models[0]!.run;
  // The same noise for all where they have a seed in common.
  const shown = models.map(({ group, run }) => ({
    group,
    run: group.runs.find((one) => one.seed === seed && one.rows.policy.length > 0) ?? run,
  }));
  return rows.policy.slice(0, MAX_SAMPLES).map(({ row, promptId, prompt }) => {
    const find = (lines: readonly EvaluatedReference[]) => responseTo(lines, row, promptId);
    const [sft, reference] = [find(rows.sft), find(rows.reference)];
    return {
      ...{ prompt, seed },
      responses: [
        ...(sft ? [{ by: "SFT", colour: null, text: sft.response, score: sft.score }] : []),
        ...shown.flatMap(({ group, run }) => policyResponse(group, run, row, promptId)),
        ...(reference ? [{ by: "Reference", colour: null, text: reference.response, score: reference.score }] : []),
      ],
    };
  });
}

function policyResponse(
  { label, colour }: RunGroup,
  { rows }: ReportedRun,
  row: number,
  promptId: string,
): readonly SampledResponse[] {
  const found = responseTo(rows.policy, row, promptId);
  return found ? [{ by: label, colour, text: found.response, score: found.score }] : [];
}

/** The response in the same row, if that answers the same prompt; else the first that does. */
const responseTo = <Line extends EvaluatedReference>(lines: readonly Line[], row: number, promptId: string) =>
  lines.find((line) => line.row === row && line.promptId === promptId) ??
  lines.find((line) => line.promptId === promptId);

export function trainingSamples(groups: readonly RunGroup[]): readonly TrainingSamples[] {
  return groups.flatMap(({ label, colour, runs }) => {
    const run = runs.find(({ training }) => training.last.length > 0);
    return run === undefined ? [] : [{ group: label, colour, seed: run.seed, rollouts: run.training.last }];
  });
}
