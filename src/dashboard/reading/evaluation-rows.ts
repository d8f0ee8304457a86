import { readFile } from "node:fs/promises";
import { z } from "zod";
import { fileErrorCode } from "../../durable-files/file-error.js";
import { CorruptStateError } from "../../errors.js";
import { type MetricLabel, metricLabel } from "../../report/metric-labels.js";
import type { EvaluationRow, Interval } from "../api.js";

const intervalSchema = z.object({ mean: z.number(), low: z.number(), high: z.number(), n: z.number() });

/** Only what is shown, so that evaluations of other versions are shown too. */
const evaluationSchema = z.object({
  sft: z.record(z.string(), z.unknown()),
  policy: z.record(z.string(), z.unknown()),
  difference: z.record(z.string(), z.unknown()),
  winRates: z
    .array(z.object({ judge: z.string(), against: z.string(), winRate: intervalSchema }))
    .optional()
    .catch(undefined),
});

const UNITS: Readonly<Record<string, MetricLabel>> = {
  klK1: { title: "KL to SFT", unit: "nats a response" },
  klK3: { title: "KL to SFT, k3", unit: "nats a response" },
  judgeWinRate: { title: "Win rate against SFT", unit: "share, ties one half" },
  distinct1: { title: "Distinct words", unit: "share" },
  distinct2: { title: "Distinct pairs of words", unit: "share" },
  rouge1: { title: "ROUGE-1", unit: "F1 against the reference" },
  rouge2: { title: "ROUGE-2", unit: "F1 against the reference" },
  rougeL: { title: "ROUGE-L", unit: "F1 against the reference" },
};

/**
 * The figures of evaluation.json, in the order of the file; null before there is one.
 * @throws CorruptStateError if it is not what a run writes
 */
export async function readEvaluationRows(path: string): Promise<readonly EvaluationRow[] | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    return rowsOf(evaluationSchema.parse(JSON.parse(text)));
  } catch (cause) {
    throw new CorruptStateError(`${path} is damaged: it is not what a run writes. Restore it from a copy.`, { cause });
  }
}

function rowsOf({ sft, policy, difference, winRates }: z.infer<typeof evaluationSchema>): readonly EvaluationRow[] {
  const names = [...new Set([...Object.keys(policy), ...Object.keys(sft), ...Object.keys(difference)])];
  const rows = names.map((name): EvaluationRow => {
    const { title, unit } = UNITS[name] ?? metricLabel("evaluation", name);
    const of = (part: Readonly<Record<string, unknown>>): Interval | null =>
      intervalSchema.safeParse(part[name]).data ?? null;
    return { name, title, unit, sft: of(sft), policy: of(policy), difference: of(difference) };
  });
  const judged = (winRates ?? []).map(({ judge, against, winRate }): EvaluationRow => ({
    ...{ name: `winRate ${judge} ${against}`, title: `Win rate against ${against}`, unit: `judge: ${judge}` },
    ...{ sft: null, policy: winRate, difference: null },
  }));
  const isShown = ({ name, sft: a, policy: b, difference: c }: EvaluationRow): boolean =>
    (a ?? b ?? c) !== null && !(name === "judgeWinRate" && judged.length > 0);
  return [...rows.filter(isShown), ...judged];
}
