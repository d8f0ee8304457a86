import type { Output } from "../ports/trainer.js";
import { invalid } from "./service-error.js";
import type { TabularModel } from "./tabular-model.js";

/** @throws INVALID_ARGUMENT: log-probs and entropy are a language model's, values and scores a scalar head's. */
export const checkHead = ({ head }: TabularModel, output: Output): void => {
  const scalar = output === "values" || output === "scores";
  if (scalar !== (head === "scalar")) throw invalid(`a ${head} head has no ${output}`);
};

/** @throws INVALID_ARGUMENT if nothing may change the model. */
export const checkTrainable = ({ trainable }: TabularModel, name: string): void => {
  if (!trainable) throw invalid(`${name} is frozen`);
};
