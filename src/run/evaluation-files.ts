import { join } from "node:path";
import { z } from "zod";
import type {
  EvaluatedReference,
  EvaluatedResponse,
  Evaluation,
  EvaluationRows,
  JudgedRow,
} from "../domain/evaluation.js";
import { runPaths } from "./run-files.js";

/** Where the rows of an evaluation are. */
export const evaluationRowPaths = (directory: string): Readonly<Record<keyof EvaluationRows, string>> => {
  const file = (name: string) => join(runPaths(directory).evaluationFolder, `${name}.jsonl`);
  return { policy: file("policy"), sft: file("sft"), reference: file("reference"), verdicts: file("verdicts") };
};

const metricSchema = z.object({ mean: z.number(), low: z.number(), high: z.number(), n: z.number() });

const modelEvaluationSchema = z.object({
  ...{ score: metricSchema, klK1: metricSchema, klK3: metricSchema },
  ...{ responseTokens: metricSchema, endedShare: metricSchema },
  ...{ distinctShare: metricSchema, distinct1: metricSchema.nullable(), distinct2: metricSchema.nullable() },
  ...{ rouge1: metricSchema.nullable(), rouge2: metricSchema.nullable(), rougeL: metricSchema.nullable() },
});

const judgedModelSchema = z.enum(["policy", "sft"]);

const winRateSchema = z.object({
  ...{ judge: z.string(), of: judgedModelSchema, against: z.string(), winRate: metricSchema },
  ...{ ties: z.number().int().min(0), unjudged: z.number().int().min(0) },
});

const agreementSchema = z.object({
  ...{ judges: z.tuple([z.string(), z.string()]), of: judgedModelSchema, against: z.string() },
  ...{ share: metricSchema, kappa: z.number().nullable() },
});

/** evaluation.json. */
export const evaluationFileSchema = z.object({
  rewardAccuracy: metricSchema.nullable(),
  ...{ sft: modelEvaluationSchema, policy: modelEvaluationSchema },
  reference: z.object({ score: metricSchema }).nullable(),
  difference: z.object({ score: metricSchema, judgeWinRate: metricSchema.nullable() }),
  ...{ winRates: z.array(winRateSchema), agreement: z.array(agreementSchema) },
  scoreScale: z.object({ mean: z.number(), standardDeviation: z.number() }),
  bestIteration: z.number().int(),
  settings: z.record(z.string(), z.unknown()),
}) satisfies z.ZodType<Evaluation>;

/** A line of evaluation/reference.jsonl. */
const referenceLineSchema = z.object({
  ...{ row: z.number().int().min(0), promptId: z.string(), prompt: z.string() },
  ...{ response: z.string(), score: z.number() },
}) satisfies z.ZodType<EvaluatedReference>;

/** A line of evaluation/policy.jsonl and of evaluation/sft.jsonl. */
const responseLineSchema = referenceLineSchema.extend({
  ...{ responseTokens: z.number().int().min(0), ended: z.boolean(), klK1: z.number(), klK3: z.number() },
  rouge: z.object({ rouge1: z.number(), rouge2: z.number(), rougeL: z.number() }).nullable(),
}) satisfies z.ZodType<EvaluatedResponse>;

/** A line of evaluation/verdicts.jsonl. */
const verdictLineSchema = z.object({
  ...{ row: z.number().int().min(0), judge: z.string(), of: judgedModelSchema, against: z.string() },
  verdict: z.enum(["win", "loss", "tie"]).nullable(),
  answers: z.array(
    z.object({
      first: z.enum(["own", "opponent"]),
      preferred: z.enum(["own", "opponent", "tie"]).nullable(),
      text: z.string(),
    }),
  ),
}) satisfies z.ZodType<JudgedRow>;

/** Of a line of each file. */
export const evaluationLineSchemas = {
  ...{ policy: responseLineSchema, sft: responseLineSchema },
  ...{ reference: referenceLineSchema, verdicts: verdictLineSchema },
};
