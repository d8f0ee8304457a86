import type { Loss, Output } from "../ports/trainer.js";
import { KlEstimator, type ModelLoss as WireLoss, Output as WireOutput } from "../proto-gen/drpo/v1/trainer_service.js";
import { invalid } from "./service-error.js";

const OUTPUTS: ReadonlyMap<WireOutput, Output> = new Map([
  [WireOutput.LOGPROBS, "logprobs"],
  [WireOutput.ENTROPY, "entropy"],
  [WireOutput.VALUES, "values"],
  [WireOutput.SCORES, "scores"],
]);

const ESTIMATORS: ReadonlyMap<KlEstimator, "k1" | "k2" | "k3"> = new Map([
  [KlEstimator.K1, "k1"],
  [KlEstimator.K2, "k2"],
  [KlEstimator.K3, "k3"],
]);

export const decodeOutput = (output: WireOutput): Output => {
  const decoded = OUTPUTS.get(output);
  if (decoded === undefined) throw invalid("an output must be named");
  return decoded;
};

/** @throws INVALID_ARGUMENT for a loss that is not there or names what it cannot be about. */
export const decodeLoss = ({ loss }: WireLoss): Loss => {
  switch (loss?.$case) {
    case "squaredError": {
      const output = decodeOutput(loss.value.output);
      if (output !== "values" && output !== "scores") throw invalid("squared_error fits values or scores");
      return { ...loss.value, kind: "squaredError", output };
    }
    case "linear": {
      const output = decodeOutput(loss.value.output);
      if (output === "entropy") throw invalid("linear weighs logprobs, values or scores");
      return { ...loss.value, kind: "linear", output };
    }
    case "kl": {
      const estimator = ESTIMATORS.get(loss.value.estimator);
      if (estimator === undefined) throw invalid("kl: an estimator must be named");
      return { ...loss.value, kind: "kl", estimator };
    }
    case "crossEntropy":
      return { ...loss.value, kind: "crossEntropy" };
    case "clippedSurrogate":
      return { ...loss.value, kind: "clippedSurrogate" };
    case "clippedValue":
      return { ...loss.value, kind: "clippedValue" };
    case "bradleyTerry":
      return { ...loss.value, kind: "bradleyTerry" };
    case "rankedGroup":
      return { ...loss.value, kind: "rankedGroup" };
    case "dpo": {
      const { beta, labelSmoothing } = loss.value;
      if (!(beta > 0)) throw invalid(`dpo: beta is ${beta}: it must be above 0`);
      if (!(labelSmoothing >= 0 && labelSmoothing <= 0.5))
        throw invalid(`dpo: label_smoothing is ${labelSmoothing}: it must be from 0 to 0.5`);
      return { ...loss.value, kind: "dpo" };
    }
    case "logRatioDifference":
      return { ...loss.value, kind: "logRatioDifference" };
    case undefined:
      throw invalid("a loss must be set");
  }
};

/** @param shape numbers in the output that the loss is about, and rows of the batch. @throws INVALID_ARGUMENT where arrays do not fit. */
export const checkLoss = (loss: Loss, shape: { readonly terms: number; readonly rows: number }): void => {
  const fits = (name: string, values: readonly number[], length: number) => {
    if (values.length !== length) throw invalid(`${loss.kind}: ${name} has ${values.length} numbers, not ${length}`);
  };
  const fitPairs = (rows: readonly number[], others: readonly number[], weights: readonly number[]) => {
    fits("rows", rows, weights.length);
    fits("rows", others, weights.length);
    if ([...rows, ...others].some((row) => row >= shape.rows)) throw invalid(`${loss.kind}: no such row`);
    if (rows.some((row, i) => row === others[i])) throw invalid(`${loss.kind}: a row cannot be compared with itself`);
  };
  switch (loss.kind) {
    case "bradleyTerry":
      fitPairs(loss.preferredRows, loss.rejectedRows, loss.weights);
      return;
    case "dpo":
      fits("reference_logprobs", loss.referenceLogprobs, shape.terms);
      fitPairs(loss.preferredRows, loss.rejectedRows, loss.weights);
      return;
    case "logRatioDifference":
      fits("base_logprobs", loss.baseLogprobs, shape.terms);
      fits("targets", loss.targets, loss.weights.length);
      fitPairs(loss.firstRows, loss.secondRows, loss.weights);
      return;
    case "rankedGroup":
      fits("ratings", loss.ratings, shape.rows);
      fits("weights", loss.weights, loss.groupSizes.length);
      if (loss.groupSizes.reduce((sum, size) => sum + size, 0) !== shape.rows)
        throw invalid("group sizes do not fit the rows");
      return;
    default:
      for (const [name, values] of Object.entries(loss)) {
        if (Array.isArray(values)) fits(name, values as number[], shape.terms);
      }
  }
};
