import { join } from "node:path";
import type {
  EvaluatedReference,
  EvaluatedResponse,
  Evaluation,
  EvaluationRows,
  JudgedRow,
  Metric,
} from "../../src/domain/evaluation.js";
import { bootstrapMean } from "../../src/math/bootstrap.js";
import { Random } from "../../src/math/random.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { headlineWinRate, judgeAgreement, winRates } from "../../src/stages/evaluation/win-rates.js";
import { commit, evaluation, recipe, rollout } from "../run/run-fixtures.js";

/** A run that never was: what its files would hold if a policy had reached `score` at `kl`. */
export interface FixtureRun {
  readonly name: string;
  readonly seed: number;
  readonly resetProportion: number;
  readonly isDpo?: boolean;
  readonly base?: string;
  readonly score: number;
  readonly kl: number;
  readonly iterations?: number;
  readonly responses?: number;
}

const PREFERRED = { win: "own", tie: "tie", loss: "opponent" } as const;

const JUDGES = ["lexicon", "held-out reward model"] as const;

/** Writes a run as `drpo train` does, with numbers drawn by its seed. @returns its folder */
export async function writeFixtureRun(folder: string, fixture: FixtureRun): Promise<string> {
  const { name, seed, resetProportion, isDpo = false, base = "/bases/tiny", iterations = 12 } = fixture;
  const directory = join(folder, name);
  const random = new Random(BigInt(seed * 1000 + Math.round(resetProportion * 100) + (isDpo ? 500 : 0)));
  const plain = recipe();
  const policy = isDpo
    ? { kind: "dpo" as const, beta: 0.05, optimizer: plain.policy.optimizer }
    : {
        ...plain.policy,
        iterations,
        reset: { ...("reset" in plain.policy ? plain.policy.reset : {}), proportion: resetProportion },
      };
  const run = await openRunDirectory({
    directory,
    recipe: { ...plain, name, seed, model: { ...plain.model, base }, policy } as typeof plain,
    resume: false,
    versions: { drpo: "0.1.0", node: "20.20.0" },
    hashes: { data: "ab".repeat(32), base: "cd".repeat(32) },
    now: () => new Date(Date.UTC(2026, 0, 1)),
  });
  for (let batch = 1; batch <= 8; batch++)
    await run.appendMetrics({ stage: "sft", iteration: batch, metrics: { loss: 4 - batch / 4 + noise(random) / 10 } });
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const share = iteration / iterations;
    const score = fixture.score * share + noise(random) / 5;
    await run.appendMetrics({
      ...{ stage: "policy", iteration },
      metrics: { score, kl: fixture.kl * share, policyLoss: -share / 10 + noise(random) / 50, entropy: 3 - share },
    });
    if (iteration % 4 === 0)
      await run.appendMetrics({
        stage: "validation",
        iteration,
        metrics: { score: fixture.score * share, objective: score },
      });
    if (!isDpo) await run.writeRollouts(iteration, rollouts(random, fixture, share));
  }
  await run.commit(commit(iterations));
  const rows = evaluationRows(random, fixture);
  await run.writeEvaluation(evaluationOf(rows), rows);
  await run.end("done", null);
  await run.close();
  return directory;
}

const noise = (random: Random): number => random.next() + random.next() + random.next() - 1.5;

const WORDS = "the film is a quiet and moving story about people who never quite say what they mean".split(" ");
const text = (random: Random, words: number): string =>
  Array.from({ length: words }, () => WORDS[Math.floor(random.next() * WORDS.length)]!).join(" ");

function rollouts(random: Random, { resetProportion, score }: FixtureRun, share: number) {
  return Array.from({ length: 16 }, (_, row) => {
    const prefixTokens = random.next() < resetProportion ? 1 + Math.floor(random.next() * 10) : 0;
    const tokenTexts = Array.from(
      { length: 12 },
      (_, i) => (i === 0 ? "" : " ") + WORDS[Math.floor(random.next() * WORDS.length)]!,
    );
    return {
      ...rollout,
      reset: {
        ...rollout.reset,
        row,
        prefix: Array.from({ length: prefixTokens }, () => 7),
        sourceId: `review-${row}`,
      },
      generated: Array.from({ length: 12 - prefixTokens }, () => 8),
      score: (score * share * (4 + prefixTokens)) / 8 + noise(random),
      ...{ tokenTexts, text: tokenTexts.join("") },
    };
  });
}

function evaluationRows(random: Random, { responses = 48, score, kl }: FixtureRun): EvaluationRows {
  const reference = (row: number): EvaluatedReference => ({
    ...{ row, promptId: `p${row}`, prompt: `Write a review, number ${row}.` },
    ...{ response: text(random, 12), score: 0.9 + noise(random) },
  });
  const response = (row: number, meanScore: number, meanKl: number): EvaluatedResponse => {
    const own = Math.max(0, meanKl * (1 + noise(random)));
    return {
      ...{ ...reference(row), score: meanScore * (meanKl > 0 ? 0.6 + (0.4 * own) / meanKl : 1) + noise(random) },
      ...{
        responseTokens: 10 + Math.floor(random.next() * 10),
        ended: random.next() < 0.8,
        klK1: own,
        klK3: own * 0.9,
      },
      rouge: { rouge1: 0.3 + noise(random) / 20, rouge2: 0.1 + noise(random) / 40, rougeL: 0.25 + noise(random) / 20 },
    };
  };
  const all = Array.from({ length: responses }, (_, row) => row);
  const [policy, sft, references] = [
    all.map((row) => response(row, score, kl)),
    all.map((row) => response(row, 0, 0)),
    all.map(reference),
  ];
  const verdict = (gap: number): JudgedRow["verdict"] => (Math.abs(gap) < 0.2 ? "tie" : gap > 0 ? "win" : "loss");
  const verdicts = JUDGES.flatMap((judge) =>
    [
      { of: "policy" as const, own: policy, against: "sft", others: sft },
      { of: "policy" as const, own: policy, against: "reference", others: references },
      { of: "sft" as const, own: sft, against: "reference", others: references },
    ].flatMap(({ of, own, against, others }) =>
      all.map((row): JudgedRow => {
        const said = verdict(own[row]!.score - others[row]!.score + noise(random));
        const answers =
          judge === "lexicon"
            ? []
            : [
                {
                  first: "own" as const,
                  preferred: PREFERRED[said!],
                  text: `Comparison: one says more.\nPreferred: A`,
                },
              ];
        return { ...{ row, judge, of, against, answers }, verdict: said };
      }),
    ),
  );
  return { policy, sft, reference: references, verdicts };
}

const metric = (xs: readonly number[]): Metric => bootstrapMean(xs, { resamples: 100, seed: 7n });

function evaluationOf({ policy, sft, reference, verdicts }: EvaluationRows): Evaluation {
  const model = (rows: readonly EvaluatedResponse[]): Evaluation["policy"] => ({
    ...evaluation().policy,
    ...{ score: metric(rows.map(({ score }) => score)), klK1: metric(rows.map(({ klK1 }) => klK1)) },
    ...{ klK3: metric(rows.map(({ klK3 }) => klK3)), responseTokens: metric(rows.map((row) => row.responseTokens)) },
    endedShare: metric(rows.map(({ ended }) => Number(ended))),
    rouge1: metric(rows.map(({ rouge }) => rouge!.rouge1)),
    rouge2: metric(rows.map(({ rouge }) => rouge!.rouge2)),
    rougeL: metric(rows.map(({ rouge }) => rouge!.rougeL)),
  });
  const rates = winRates(verdicts);
  return {
    ...evaluation(),
    ...{ policy: model(policy), sft: model(sft), reference: { score: metric(reference.map(({ score }) => score)) } },
    difference: {
      score: metric(policy.map(({ score }, i) => score - sft[i]!.score)),
      judgeWinRate: headlineWinRate(rates),
    },
    ...{ winRates: rates, agreement: judgeAgreement(verdicts) },
  };
}
