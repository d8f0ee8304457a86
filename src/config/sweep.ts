import { z } from "zod";

const settings = z
  .record(z.string().min(1), z.unknown())
  .describe(
    'Fields of the recipe by their dotted path: { "policy.reset.proportion": 0.5 }. Paths of files are relative to the recipe.',
  );

const range = z.tuple([z.number(), z.number()]);
const isRange = ([low, high]: readonly [number, number]): boolean => low < high;
const RISING = "must be [low, high] with low < high";

const distribution = z
  .strictObject({
    uniform: range.refine(isRange, RISING).optional().describe("Uniform between two numbers."),
    logUniform: range
      .refine((pair) => isRange(pair) && pair[0] > 0, "must be [low, high] with 0 < low < high")
      .optional()
      .describe("The logarithm is uniform: for learning rates and the like."),
    integers: z
      .tuple([z.number().int(), z.number().int()])
      .refine(isRange, RISING)
      .optional()
      .describe("Uniform on the whole numbers between two, both included."),
    choice: z.array(z.unknown()).min(1).optional().describe("One of these values."),
  })
  .refine((one) => Object.values(one).filter((value) => value !== undefined).length === 1, {
    message: 'must be one of {"uniform": [a, b]}, {"logUniform": [a, b]}, {"integers": [a, b]}, {"choice": [...]}',
  });

const runs = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("grid"),
      fields: z
        .record(z.string().min(1), z.array(z.unknown()).min(1))
        .describe("Values of each field of the recipe, by its dotted path."),
    })
    .describe("Every combination of the values."),
  z
    .strictObject({
      kind: z.literal("list"),
      runs: z
        .array(
          z.strictObject({
            name: z
              .string()
              .regex(/^[A-Za-z0-9][\w.=+-]{0,99}$/, "must be letters, digits, '.', '_', '=', '+' and '-', at most 100")
              .describe("Names the run's folder; the seed is added."),
            recipe: z.string().min(1).optional().describe("Another recipe than the sweep's; relative to this file."),
            set: settings.optional(),
          }),
        )
        .min(1),
    })
    .describe("Configurations one by one."),
  z
    .strictObject({
      kind: z.literal("random"),
      count: z.number().int().positive().describe("Configurations to draw."),
      seed: z.number().int().min(0).default(1).describe("Of the draws; draw i of a field depends on nothing else."),
      fields: z
        .record(z.string().min(1), distribution)
        .describe("What each field is drawn from; four significant digits."),
    })
    .describe("Configurations at random."),
]);

const launcher = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("local") }).describe("Processes of this machine."),
  z
    .strictObject({
      kind: z.literal("slurm"),
      partition: z.string().min(1).optional(),
      time: z.string().min(1).optional().describe("Limit of a run's time, as sbatch takes it: 12:00:00."),
      cpus: z.number().int().positive().optional().describe("CPUs of a run."),
      memory: z.string().min(1).optional().describe("Of a run, as sbatch takes it: 32G."),
      gres: z.string().min(1).optional().describe("Generic resources of a run: gpu:1."),
      options: z
        .array(z.string().regex(/^--?[A-Za-z]/, "must be an option of sbatch, such as --account=me"))
        .default([])
        .describe("Other options of sbatch."),
      before: z.array(z.string()).default([]).describe("Shell commands before a run: module load cuda."),
    })
    .describe("A job array of an existing Slurm; the sweep's folder must be on a disk that its nodes share."),
  z
    .strictObject({
      kind: z.literal("command"),
      command: z
        .string()
        .min(1)
        .describe(
          "What starts a run, for /bin/sh: `ssh gpu1 {command}`, `qsub -N {name} {script}`. {command}: the run as one shell command, {script}: " +
            "a file with it; {name}, {directory}, {log}. Each is quoted for the shell.",
        ),
      until: z
        .enum(["ended", "submitted"])
        .default("ended")
        .describe("What it means that the command ends: the run has ended, or a scheduler has it."),
      alive: z
        .string()
        .min(1)
        .optional()
        .describe(
          "With `submitted`: a command that succeeds while the scheduler has the run. {job}: the last line that `command` printed. " +
            "Left out: a run that never begins is waited for.",
        ),
    })
    .describe("Any other scheduler, or another machine."),
]);

/** A sweep as a person writes it: which runs of which recipe, and where they run. */
export const sweepSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]*$/, "must be lower-case letters, digits, '.' and '-'")
    .describe("Names the sweep's folder: runs/NAME."),
  recipe: z
    .string()
    .min(1)
    .optional()
    .describe("The recipe of all runs, relative to this file; a list may name one for each run instead."),
  seeds: z
    .array(z.number().int().min(0))
    .min(1)
    .optional()
    .describe(
      "Each configuration runs once with each, as the recipe's `seed`: sft.seed and reward.seed, where the recipe sets them, " +
        "stay, so that these stages are shared. Left out: the recipe's own seed.",
    ),
  set: settings.default({}).describe("Fields of the recipe that all runs set, before their own."),
  runs,
  limits: z
    .strictObject({
      runs: z.number().int().positive().default(1).describe("Runs at once."),
      localServers: z
        .number()
        .int()
        .positive()
        .optional()
        .describe(
          "Model servers on this machine at once: each run with a `local` server starts one. Left out: as `runs`.",
        ),
      runsPerServer: z.number().int().positive().default(1).describe("Runs at once on each of `servers`."),
    })
    .prefault({}),
  servers: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("host:port of model servers that run already (`drpo serve`): runs are spread over them."),
  launcher: launcher.prefault({ kind: "local" }).describe("Where runs are started."),
});

export type SweepOptions = z.output<typeof sweepSchema>;
export type SweepRuns = SweepOptions["runs"];
export type Distribution = z.output<typeof distribution>;
export type LauncherOptions = SweepOptions["launcher"];
