import {
  EnvironmentError,
  FencedOffError,
  NotOnServerError,
  SamplerDriftError,
  ServerRestartedError,
} from "../errors.js";

/**
 * True if another sampler may do what this one could not: it is gone, hangs, started anew, or is out of memory. False if
 * the request itself is wrong, or going on would hide that samplers and trainer do not belong together.
 */
export const isSamplersFault = (error: unknown): boolean => {
  if (error instanceof ServerRestartedError) return true;
  if (error instanceof FencedOffError || error instanceof NotOnServerError || error instanceof SamplerDriftError)
    return false;
  return error instanceof EnvironmentError;
};
