import { fork } from "node:child_process";
import { once } from "node:events";
import { EnvironmentError } from "../../errors.js";
import type { CheckpointRef, ModelHandle } from "../../domain/model.js";
import type { FleetAddresses, FleetAnswer, FleetReport, FleetRequest } from "./fleet-messages.js";
import type { FleetOptions } from "./fleet-options.js";
import type { ExpectedRollouts } from "./prepare-iteration.js";

/** A fleet in a process of its own. */
export interface ForkedFleet extends FleetAddresses {
  /** Has an iteration's contents computed beforehand, and tells what they will be. */
  prepare(iteration: number, model: ModelHandle, checkpoint: CheckpointRef): Promise<ExpectedRollouts>;
  /** What happened since the last report. */
  report(): Promise<FleetReport>;
  close(): Promise<void>;
}

/** @throws EnvironmentError if the process ends, or cannot do what it is asked */
export const forkFleet = async (options: FleetOptions): Promise<ForkedFleet> => {
  const child = fork(new URL("fleet-process.js", import.meta.url), { serialization: "advanced" });
  const exited = once(child, "exit");
  const ask = async <T>(request: FleetRequest): Promise<T> => {
    child.send(request);
    const reply = await Promise.race([once(child, "message"), exited.then(() => undefined)]);
    const { value, error } = (reply?.[0] ?? { error: "its process ended" }) as FleetAnswer;
    if (error !== undefined) throw new EnvironmentError(`The simulated fleet failed: ${error}`);
    return value as T;
  };
  const close = async () => {
    if (child.exitCode === null) child.kill();
    await exited;
  };
  try {
    const addresses = await ask<FleetAddresses>({ kind: "open", options });
    return {
      ...addresses,
      prepare: (iteration, model, checkpoint) => ask({ kind: "prepare", iteration, model, checkpoint }),
      report: () => ask({ kind: "report" }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
