import type { Loss, ModelLoss, Output } from "../ports/trainer.js";
import { KlEstimator, type ModelLoss as WireLoss, Output as WireOutput } from "../proto-gen/drpo/v1/trainer_service.js";
import { toModelRef } from "./wire-model.js";

export const WIRE_OUTPUTS = {
  logprobs: WireOutput.LOGPROBS,
  entropy: WireOutput.ENTROPY,
  values: WireOutput.VALUES,
  scores: WireOutput.SCORES,
} as const;

const ESTIMATORS = { k1: KlEstimator.K1, k2: KlEstimator.K2, k3: KlEstimator.K3 } as const;

export const toWireLoss = ({ model, loss, temperature }: ModelLoss): WireLoss => ({
  model: toModelRef(model),
  temperature: temperature ?? 1,
  loss: toWireTerms(loss),
});

const toWireTerms = (loss: Loss): WireLoss["loss"] => {
  switch (loss.kind) {
    case "squaredError":
      return { $case: "squaredError", value: { ...loss, output: WIRE_OUTPUTS[loss.output] } };
    case "linear":
      return { $case: "linear", value: { ...loss, output: WIRE_OUTPUTS[loss.output] } };
    case "kl":
      return { $case: "kl", value: { ...loss, estimator: ESTIMATORS[loss.estimator] } };
    case "crossEntropy":
      return { $case: "crossEntropy", value: loss };
    case "clippedSurrogate":
      return { $case: "clippedSurrogate", value: loss };
    case "clippedValue":
      return { $case: "clippedValue", value: loss };
    case "bradleyTerry":
      return { $case: "bradleyTerry", value: loss };
    case "rankedGroup":
      return { $case: "rankedGroup", value: loss };
    case "dpo":
      return { $case: "dpo", value: loss };
    case "logRatioDifference":
      return { $case: "logRatioDifference", value: loss };
  }
};

/** What a loss is computed from, which is what its result carries back. */
export const outputOfLoss = (loss: Loss): Output => {
  switch (loss.kind) {
    case "crossEntropy":
    case "clippedSurrogate":
    case "kl":
    case "dpo":
    case "logRatioDifference":
      return "logprobs";
    case "clippedValue":
      return "values";
    case "bradleyTerry":
    case "rankedGroup":
      return "scores";
    case "squaredError":
    case "linear":
      return loss.output;
  }
};
