import { randomUUID } from "node:crypto";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Command, Option } from "commander";
import { BadInputError } from "../errors.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson } from "./command-context.js";
import { openTrainedRun, type TrainedModel } from "./open-trained-run.js";
import { progressOf } from "./progress-of.js";
import { shownPath } from "./shown-path.js";

interface ExportOptions {
  readonly model: TrainedModel;
  readonly format: "peft-adapter" | "merged";
  readonly to: string;
  readonly json?: boolean;
}

/** `drpo export`: one model of a run as a folder that other tools read. */
export const exportCommand = (context: CommandContext): Command =>
  new Command("export")
    .summary("write a model of a run for other tools")
    .description(
      "Writes a model of a run as a PEFT adapter, or merged with its base as a Hugging Face folder (transformers and vLLM read " +
        "it). A run on a remote server is exported there.",
    )
    .argument("<run-dir>", "folder of the run")
    .addOption(new Option("--model <model>", "which").choices(["policy", "sft", "reward-model"]).default("policy"))
    .addOption(new Option("--format <format>", "as what").choices(["peft-adapter", "merged"]).default("peft-adapter"))
    .requiredOption("--to <dir>", "folder to make; it must not be there, or be empty")
    .option("--json", "print where it is as JSON on standard output")
    .addHelpText(
      "after",
      "\nExample:\n  $ drpo export runs/reviews-seed1 --format merged --to exported/reviews-policy\n",
    )
    .action(async (runDirectory: string, options: ExportOptions) => {
      const to = resolve(context.cwd, options.to);
      await refuseOccupied(to);
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        const run = await openTrainedRun(context, resolve(context.cwd, runDirectory), { progress, signal });
        try {
          const model = await run.load(options.model);
          const uri = `checkpoints/export-${randomUUID()}`;
          const path = await run.server.models.exportModel({ model, format: options.format, uri }, { signal });
          const isLocal = run.recipe.server.kind === "local";
          if (isLocal) await move(path, to);
          progress.close();
          const { format } = options;
          if (options.json) printJson(context, { model: options.model, format, path: isLocal ? to : path, isLocal });
          else context.stdout.write(isLocal ? `${shownPath(to, context.cwd)}\n` : `on the server: ${path}\n`);
        } finally {
          await run.stop();
        }
      } finally {
        progress.close();
        release();
      }
    });

async function refuseOccupied(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new BadInputError(`--to ${folder}: it is not a folder that can be written (${error.code}).`, {
      cause: error,
    });
  });
  if (names.length > 0) throw new BadInputError(`--to ${folder}: the folder is not empty. Name a new one.`);
}

/** The server writes below its own root; the run directory and the target may be on different disks. */
async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await cp(from, to, { recursive: true });
    await rm(from, { recursive: true });
  }
}
