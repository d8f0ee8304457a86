import { join } from "node:path";
import { TensorboardLogger } from "../loggers/tensorboard-logger.js";
import { WandbLogger } from "../loggers/wandb-logger.js";
import { checkWandb } from "../loggers/wandb-process.js";
import type { MetricLogger } from "../ports/metric-logger.js";
import { findPython } from "../server/find-python.js";
import { PACKAGE_ROOT } from "../server/package-root.js";
import type { CommandContext } from "./command-context.js";
import type { RegisteredRecipe } from "./registry.js";

/**
 * The loggers of a recipe, not started yet. What they lack is found here: before a server is started.
 * @throws EnvironmentError
 */
export async function createLoggers(
  { loggers, server }: Pick<RegisteredRecipe, "loggers" | "server">,
  environment: CommandContext["environment"],
): Promise<readonly MetricLogger[]> {
  return Promise.all(
    loggers.map(async (options) => {
      switch (options.kind) {
        case "tensorboard":
          return new TensorboardLogger(options);
        case "wandb": {
          const python = findPython(server.kind === "local" ? server.python : undefined, environment);
          const wandb = { python, packages: join(PACKAGE_ROOT, "server-images"), environment };
          await checkWandb(wandb, options.mode);
          return new WandbLogger(options, wandb);
        }
      }
    }),
  );
}
