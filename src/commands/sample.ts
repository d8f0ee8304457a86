import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command, Option } from "commander";
import type { DataOptions } from "../config/data.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import type { ModelHandle } from "../domain/model.js";
import { withoutEnd } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import { BadInputError } from "../errors.js";
import { seedAt } from "../math/seeds.js";
import { tokenizePrompts } from "../stages/tokenize-prompts.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, colorsOf, printJson } from "./command-context.js";
import { openTrainedRun, type TrainedRun } from "./open-trained-run.js";
import { positiveNumber, wholeNumber } from "./option-parsers.js";
import { printableText } from "./printable-text.js";
import { progressOf } from "./progress-of.js";
import { placeOption } from "./recipe-of-run.js";

interface SampleOptions {
  readonly model: "policy" | "sft";
  readonly number: number;
  readonly seed: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly raw?: boolean;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

interface Sample {
  readonly text: string;
  readonly tokens: number;
  /** False if the budget cut it off. */
  readonly ended: boolean;
}

/** `drpo sample`: talk to a trained run. */
export const sampleCommand = (context: CommandContext): Command =>
  new Command("sample")
    .summary("talk to a trained run")
    .description(
      "Samples responses of a run's best policy, or of its SFT model. Without a prompt: on a terminal asks for one again and " +
        "again, elsewhere takes the recipe's. A prompt is read as those of the run's data are: after the tokenizer's begin " +
        "tokens, or, where they are conversations, as a message of the user, through the base's chat template.",
    )
    .argument("<run-dir>", "folder of the run")
    .argument("[prompt]", "what to answer")
    .addOption(new Option("--model <model>", "whom to ask").choices(["policy", "sft"]).default("policy"))
    .option("-n, --number <count>", "responses", wholeNumber(1), 4)
    .option("--seed <number>", "seed of the noise", wholeNumber(0), 1)
    .option("--temperature <number>", "divides the logits (default: the recipe's)", positiveNumber)
    .option("--max-tokens <count>", "longest response (default: the recipe's)", wholeNumber(1))
    .option(
      "--raw",
      "the prompt is all that the model reads: no chat template, no begin tokens; special tokens that it spells are tokens",
    )
    .addOption(placeOption())
    .option("--json", "print the responses as JSON on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ drpo sample runs/reviews-seed1
  $ drpo sample runs/reviews-seed1 --model sft -n 2 --raw \\
      $'<|im_start|>user\\nWrite a one-sentence film review.<|im_end|>\\n<|im_start|>assistant\\n'
  $ drpo sample runs/chat "What is a good name for a cat?"
`,
    )
    .action(async (runDirectory: string, prompt: string | undefined, options: SampleOptions) => {
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        const isAsked = prompt === undefined && context.stdin.isTTY && !options.json;
        const run = await openTrainedRun(context, resolve(context.cwd, runDirectory), {
          progress,
          signal,
          set: options.set ?? [],
          model: options.model,
          check: (recipe) => {
            if (prompt === undefined && !isAsked) promptOf(recipe);
          },
        });
        try {
          const read = await promptReader(run, options, signal);
          const ask = askModel(run, await run.load(options.model), { ...options, read }, signal);
          if (isAsked) await converse(context, run, ask, signal);
          else await answerOnce(context, prompt ?? promptOf(run.recipe), ask, options);
        } finally {
          await run.stop();
        }
      } finally {
        progress.close();
        release();
      }
    });

type Ask = (prompt: string, turn: number) => Promise<readonly Sample[]>;

type ReadPrompt = (prompt: string) => Promise<TokenIds>;

/** A prompt in token ids, as the prompts of the run's data are read. */
async function promptReader(run: TrainedRun, { raw }: SampleOptions, signal: AbortSignal): Promise<ReadPrompt> {
  const { tokenizer } = run.server;
  const { data } = run.recipe;
  if (raw) {
    return async (text) => (await tokenizer.tokenize([[{ text, specialTokens: true }]], { signal }))[0] ?? [];
  }
  if (!(await readsConversations(data))) {
    // The recipe's own prompt is a template, as in training.
    const parts = (text: string) =>
      data.kind === "rated" && text === data.prompt ? [{ text, specialTokens: true }] : text;
    return async (text) => (await tokenizePrompts([parts(text)], { tokenizer, data }, { signal }))[0] ?? [];
  }
  return async (content) => {
    const chat = [{ role: "user", content }] as const;
    const [written] = await tokenizer.applyChatTemplate([chat], { now: run.createdAt, signal });
    return written?.tokens ?? [];
  };
}

async function readsConversations(data: DataOptions): Promise<boolean> {
  if (data.kind === "rated") return false;
  if (data.layout !== "auto") return data.layout === "messages";
  try {
    const { train } = await readPreferenceDataset(data);
    return train.some(({ prompt, responses }) => responses.length > 0 && typeof prompt !== "string");
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    throw new BadInputError(
      "Whether the run's prompts are conversations cannot be told, as its data cannot be read any more: give the prompt as " +
        `the model is to read it, with its special tokens, and --raw. ${cause.message}`,
      { cause },
    );
  }
}

function askModel(
  run: TrainedRun,
  model: ModelHandle,
  options: SampleOptions & { readonly read: ReadPrompt },
  signal: AbortSignal,
): Ask {
  const { server, recipe } = run;
  const { sampling } = recipe.policy;
  const maxNewTokens = options.maxTokens ?? recipe.response.maxTokens;
  return async (prompt, turn) => {
    const { endTokenIds, contextTokens } = await server.tokenizer.info({ signal });
    const tokens = await options.read(prompt);
    if (tokens.length === 0) throw new BadInputError("The prompt has no tokens: give at least one.");
    if (tokens.length + maxNewTokens > contextTokens) {
      throw new BadInputError(
        `The prompt has ${tokens.length} tokens; with --max-tokens ${maxNewTokens} it does not fit the context of ` +
          `${contextTokens}. Shorten one of them.`,
      );
    }
    await server.sampler.syncWeights(model, { signal });
    const seeds = Array.from({ length: options.number }, (_, i) => seedAt(options.seed, "sample", turn, i));
    const params = {
      ...sampling,
      temperature: options.temperature ?? sampling.temperature,
      stopTokenIds: endTokenIds,
    };
    const contexts = [{ tokens, maxNewTokens, firstPosition: 0, seeds }];
    const [continuations = []] = await server.sampler.sample({ model, contexts, params }, { signal });
    const texts = await server.tokenizer.detokenize(
      continuations.map((one) => withoutEnd(one.tokens, endTokenIds)),
      { signal, continues: true },
    );
    return continuations.map((one, i) => ({
      text: texts[i] ?? "",
      tokens: one.tokens.length,
      ended: one.finishReason === "stop",
    }));
  };
}

/** The prompt that all of the recipe's data answers. */
function promptOf({ data }: TrainedRun["recipe"]): string {
  if (data.kind === "rated") return data.prompt;
  throw new BadInputError("The recipe's data has many prompts: give one, drpo sample RUN-DIR PROMPT.");
}

async function answerOnce(context: CommandContext, prompt: string, ask: Ask, options: SampleOptions): Promise<void> {
  const responses = await ask(prompt, 0);
  if (options.json) printJson(context, { model: options.model, prompt, responses });
  else printResponses(context, responses);
}

/** Prompts line by line until the input ends; an empty line is the recipe's prompt. */
async function converse(context: CommandContext, run: TrainedRun, ask: Ask, signal: AbortSignal): Promise<void> {
  const { stdin, stderr, stdout } = context;
  const fallback = run.recipe.data.kind === "rated" ? run.recipe.data.prompt : undefined;
  stderr.write(`A line is a prompt${fallback === undefined ? "" : ", an empty one the recipe's"}; Ctrl-D ends.\n`);
  const lines = createInterface({ input: stdin, output: stdout, prompt: "> " });
  signal.addEventListener("abort", () => lines.close(), { once: true });
  lines.on("SIGINT", () => lines.close());
  let turn = 0;
  lines.prompt();
  for await (const line of lines) {
    const prompt = line === "" ? fallback : line;
    if (prompt !== undefined) await answerOrExplain(context, () => ask(prompt, turn++));
    lines.prompt();
  }
  stdout.write("\n");
}

/** A prompt that cannot be answered does not end the conversation. */
async function answerOrExplain(context: CommandContext, answer: () => ReturnType<Ask>): Promise<void> {
  try {
    printResponses(context, await answer());
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    context.stderr.write(`${error.message}\n`);
  }
}

function printResponses(context: CommandContext, responses: readonly Sample[]): void {
  const { dim } = colorsOf(context.stdout, context);
  for (const { text, ended, tokens } of responses) {
    context.stdout.write(`${printableText(text).trim()}${ended ? "" : dim(" [...]")} ${dim(`(${tokens} tokens)`)}\n`);
  }
}
