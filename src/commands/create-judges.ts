import { join } from "node:path";
import { directoryAnswerCache } from "../cache/directory-answer-cache.js";
import { BadInputError } from "../errors.js";
import { readJudgeTemplate } from "../judge/judge-template.js";
import { createLexiconJudge } from "../judge/lexicon-judge.js";
import { createOpenaiJudge } from "../judge/openai-judge.js";
import { keyEnvOf, type OpenaiJudgeOptions } from "../judge/openai-judge-options.js";
import type { Judge } from "../ports/judge.js";
import { systemClock } from "../rpc/clock.js";
import { PACKAGE_ROOT } from "../server/package-root.js";
import type { JudgeSource } from "../stages/run-context.js";
import type { CommandContext } from "./command-context.js";
import { cacheDirectory } from "./open-model-server.js";
import type { JudgeOptions } from "./registry.js";

type Environment = Pick<CommandContext, "environment">;

/**
 * The judges of a list of options. A key that is not there, and a template that will not do, are found here: before a
 * server is started.
 * @param where place of the list, for messages: "evaluation.judges"
 * @throws BadInputError
 */
export async function createJudges(
  judges: readonly JudgeOptions[],
  where: string,
  context: Environment,
): Promise<readonly JudgeSource[]> {
  const sources: JudgeSource[] = [];
  for (const [i, options] of judges.entries()) {
    const place = `${where}[${i}]`;
    const source = await createJudge(options, place, context);
    if (sources.some(({ name }) => name === source.name)) {
      throw new BadInputError(`${place}: another judge before it is called ${source.name}, too; give it a name.`);
    }
    sources.push(source);
  }
  return sources;
}

async function createJudge(options: JudgeOptions, where: string, context: Environment): Promise<JudgeSource> {
  switch (options.kind) {
    case "lexicon":
      return createLexiconJudge();
    case "openai":
      return openaiJudge(options, where, context);
    case "rewardModel":
      return options;
  }
}

async function openaiJudge(options: OpenaiJudgeOptions, where: string, context: Environment): Promise<Judge> {
  const path = options.template ?? join(PACKAGE_ROOT, "prompts", `judge-${options.task}.txt`);
  return createOpenaiJudge(options, {
    ...{ where, token: keyOf(options, where, context), template: await readJudgeTemplate(path, where) },
    ...{ cache: directoryAnswerCache({ directory: cacheDirectory(context) }), clock: systemClock },
  });
}

function keyOf(options: OpenaiJudgeOptions, where: string, { environment }: Environment): string | undefined {
  const variable = keyEnvOf(options);
  if (!variable) return undefined;
  const key = environment[variable];
  if (key) return key;
  throw new BadInputError(
    `${where}: the judge ${options.model} at ${new URL(options.baseUrl).host} needs a key, and the environment variable ` +
      `${variable} is not set. Set it (or name another one in keyEnv), or choose another judge: ` +
      `drpo train RECIPE --set 'evaluation.judges=[{"kind":"lexicon"}]'; drpo judge has verdicts of others later.`,
  );
}
