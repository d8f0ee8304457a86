import { status } from "@grpc/grpc-js";
import type { AdamW } from "../ports/trainer.js";
import { discardGradients } from "./loss-pass.js";
import { refused, ServiceError } from "./service-error.js";
import type { TableGradients, TableRow } from "./table.js";
import type { TabularModel } from "./tabular-model.js";

/**
 * One AdamW step on the accumulated gradients, which are used up.
 * @param step.requestIds every request whose gradients are in
 * @param step.maxGradientNorm longer gradients are scaled down to it; 0: none are
 * @returns the gradients' norm before scaling
 * @throws FAILED_PRECONDITION for other requests; ABORTED, changing nothing, if the norm is not finite or the step would
 * make a number so
 */
export const stepModel = (
  model: TabularModel,
  step: { readonly requestIds: readonly string[]; readonly adamw: AdamW; readonly maxGradientNorm: number },
): number => {
  const { requestIds, adamw, maxGradientNorm } = step;
  checkRequests(model.gradientRequestIds, requestIds);
  const norm = gradientNorm(model.gradients);
  if (!Number.isFinite(norm)) throw new ServiceError(status.ABORTED, `the gradient norm is ${norm}`);
  const isLong = maxGradientNorm > 0 && norm > maxGradientNorm;
  const gradients = isLong ? scaled(model.gradients, maxGradientNorm / norm) : model.gradients;
  refuseNotFinite("the model", model.table.tryAdamW(gradients, adamw, model.adamSteps + 1));
  model.table.stepAdamW(gradients, adamw, ++model.adamSteps);
  model.optimizerStep += 1n;
  discardGradients(model);
  return norm;
};

/** @throws ABORTED if a weight or a moment of a table is not finite. */
export const refuseNotFinite = (name: string, rows: readonly TableRow[]): void => {
  const bad = rows.find(
    ({ weights, firstMoments, secondMoments }) =>
      ![...weights, ...firstMoments, ...secondMoments].every(Number.isFinite),
  );
  if (bad !== undefined)
    throw new ServiceError(status.ABORTED, `the numbers of ${name} after [${bad.context.join(", ")}] are not finite`);
};

const checkRequests = (accumulated: ReadonlySet<string>, expected: readonly string[]): void => {
  const wanted = new Set(expected);
  const fits = wanted.size > 0 && wanted.size === accumulated.size && [...wanted].every((id) => accumulated.has(id));
  if (fits) return;
  throw refused(
    `gradients are of requests [${[...accumulated].join(", ")}], the step expects [${expected.join(", ")}]`,
  );
};

const gradientNorm = (gradients: TableGradients): number => {
  let sum = 0;
  for (const { gradients: row } of gradients.values()) for (const slope of row) sum += slope ** 2;
  return Math.sqrt(sum);
};

const scaled = (gradients: TableGradients, scale: number): TableGradients =>
  new Map(
    [...gradients].map(([key, row]) => [key, { ...row, gradients: row.gradients.map((slope) => slope * scale) }]),
  );
