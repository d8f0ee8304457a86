import { FencedOffError, NotOnServerError, ServerRestartedError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Caller } from "./caller.js";
import { getServerInfo } from "./model-store.js";

/**
 * A server that restarted knows neither fences nor models, which looks as if another process had taken the run over. So
 * on such a refusal ask whether it is still the same process.
 * @throws ServerRestartedError if it is another one: reconnect, restore the last commit and replay.
 */
export const explainRestart =
  (caller: Caller, instanceId: string) =>
  async (error: unknown, options: CallOptions): Promise<void> => {
    if (!(error instanceof FencedOffError || error instanceof NotOnServerError)) return;
    const info = await caller.unary(getServerInfo, {}, { signal: options.signal }).catch(() => undefined);
    if (info === undefined || info.instanceId === instanceId) return;
    throw new ServerRestartedError(
      `The server at ${caller.address} has restarted and lost the run's models: drpo train --resume goes on from the last commit.`,
      { cause: error },
    );
  };
