import { existsSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { refuseUnwritable } from "../../durable-files/writable-folder.js";
import { BadInputError } from "../../errors.js";
import { catchInterrupts } from "../catch-interrupts.js";
import { type CommandContext, printJson } from "../command-context.js";
import type { TrainedModel } from "../open-trained-run.js";
import { progressOf } from "../progress-of.js";
import { placeOption } from "../recipe-of-run.js";
import { shownPath } from "../shown-path.js";
import { exportCheckpoint } from "./export-checkpoint.js";
import { exportModel, type ModelFormat } from "./export-model.js";

interface ExportOptions {
  readonly model: TrainedModel;
  readonly format: ModelFormat | "checkpoint";
  readonly to: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `drpo export`: one model of a run as a folder that other tools read, or a checkpoint as it is. */
export const exportCommand = (context: CommandContext): Command =>
  new Command("export")
    .summary("write a model of a run for other tools")
    .description(
      "Writes a model of a run as a PEFT adapter, or merged with its base as a Hugging Face folder (transformers and vLLM read " +
        "it); or the run's last checkpoint as it is, with all models and optimiser states. Where the run's server is remote, " +
        "the files are downloaded and verified; a download that was interrupted goes on when the command is given again.",
    )
    .argument("<run-dir>", "folder of the run")
    .addOption(new Option("--model <model>", "which").choices(["policy", "sft", "reward-model"]).default("policy"))
    .addOption(
      new Option("--format <format>", "as what")
        .choices(["peft-adapter", "merged", "checkpoint"])
        .default("peft-adapter"),
    )
    .requiredOption("--to <dir>", "folder to make; it must not be there, or be empty")
    .addOption(placeOption())
    .option("--json", "print where it is as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo export runs/reviews-seed1 --format merged --to exported/reviews-policy\n" +
        "  $ drpo export runs/reviews-seed1 --format checkpoint --to backup/reviews-seed1\n",
    )
    .action(async (runDirectory: string, options: ExportOptions, command: Command) => {
      const { model, format } = options;
      const directory = resolve(context.cwd, runDirectory);
      if (format === "checkpoint" && command.getOptionValueSource("model") === "cli")
        throw new BadInputError(
          "--model: a checkpoint is of all models. Leave --model out, or choose another --format.",
        );
      const to = await targetFolder(resolve(context.cwd, options.to));
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        if (format === "checkpoint") await exportCheckpoint(context, { directory, to, progress, signal });
        else await exportModel(context, { directory, model, format, to, set: options.set ?? [], progress, signal });
      } finally {
        progress.close();
        release();
      }
      // isLocal: the path is this machine's, as it now always is.
      if (options.json)
        printJson(context, { ...(format === "checkpoint" ? {} : { model }), format, path: to, isLocal: true });
      else context.stdout.write(`${shownPath(to, context.cwd)}\n`);
    });

/**
 * @returns where the export goes: the folder itself, where a link to one was named
 * @throws BadInputError if it is not empty; as refuseUnwritable
 */
async function targetFolder(path: string): Promise<string> {
  await refuseUnwritable([{ path, what: "the export", remedy: "name another with --to", isArgument: true }]);
  const folder = existsSync(path) ? await realpath(path) : path;
  if (existsSync(folder) && (await readdir(folder)).length > 0)
    throw new BadInputError(`--to ${path}: the folder is not empty. Name a new one.`);
  return folder;
}
