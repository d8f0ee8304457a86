import type { ModelHandle, ModelVersion } from "../domain/model.js";
import { EnvironmentError } from "../errors.js";
import type { ModelRef, ModelVersion as WireVersion } from "../proto-gen/drpo/v1/common.js";

/** A handle as the wire carries it: the version is always named. */
export const toModelRef = ({ name, version }: ModelHandle): ModelRef => ({ model: name, version });

/** @throws EnvironmentError if the server left the version out. */
export const fromWireVersion = (version: WireVersion | undefined, rpc: string): ModelVersion => {
  if (version === undefined)
    throw new EnvironmentError(`${rpc}: the server's answer names no version. Its log may say more.`);
  return { generation: version.generation, optimizerStep: version.optimizerStep, weightsHash: version.weightsHash };
};
