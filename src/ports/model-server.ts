import type { ModelStore } from "./model-store.js";
import type { RewardModel } from "./reward-model.js";
import type { Sampler } from "./sampler.js";
import type { StoredFiles } from "./stored-files.js";
import type { Tokenizer } from "./tokenizer.js";
import type { Trainer } from "./trainer.js";

/** Everything that a stage may ask of model servers, for one run that this process has acquired. */
export interface ModelServer {
  readonly models: ModelStore;
  readonly files: StoredFiles;
  readonly tokenizer: Tokenizer;
  readonly sampler: Sampler;
  readonly trainer: Trainer;
  readonly rewardModel: RewardModel;
}
