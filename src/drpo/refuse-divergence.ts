import { DivergedError } from "../errors.js";

/**
 * Stops a run that has gone wrong, before its iteration is committed.
 * @param iteration 0-based
 * @param maxKl mean KL to SFT, nats a response
 * @throws DivergedError if a metric is not finite, or the KL is above its limit
 */
export function refuseDivergence(metrics: Readonly<Record<string, number>>, iteration: number, maxKl: number): void {
  const where = `Iteration ${iteration + 1} of the policy stage`;
  const advice = "Lower the learning rate or raise policy.klCoef; the last commit is intact.";
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (bad) throw new DivergedError(`${where}: the metric ${bad[0]} is ${bad[1]}. ${advice}`);
  const kl = metrics["kl"] ?? 0;
  if (kl > maxKl) {
    throw new DivergedError(
      `${where}: the mean KL to SFT is ${kl.toFixed(1)} nats, above policy.maxKl = ${maxKl}. ${advice}`,
    );
  }
}
