import PQueue from "p-queue";
import { InterruptedError } from "../errors.js";
import { type Endpoint, refuseUnsendableToken } from "../http/endpoint.js";
import type { AnswerCache } from "../ports/answer-cache.js";
import type { Clock } from "../ports/clock.js";
import type { Comparison, ComparisonAnswer, Judge, Judgement } from "../ports/judge.js";
import { callPace } from "./call-pace.js";
import type { ChatMessage } from "./chat-completions.js";
import { type AskForText, keptCompletions } from "./kept-completions.js";
import type { JudgeTemplate } from "./judge-template.js";
import type { OpenaiJudgeOptions } from "./openai-judge-options.js";
import { readChoice } from "./read-choice.js";

const REMINDER =
  'Your answer states no preference that can be read. State it now, in one line and in exactly this form: Preferred: "A" ' +
  'or Preferred: "B".';

export interface OpenaiJudgeSource {
  /** The API key, sent as Authorization: Bearer and never shown. */
  readonly token: string | undefined;
  /** Place in the recipe, for messages: "evaluation.judges[0]". */
  readonly where: string;
  readonly template: JudgeTemplate;
  readonly cache: AnswerCache;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random?: () => number;
}

/**
 * A language model that says which response is better, behind an OpenAI-compatible endpoint. Each pair is asked in both
 * orders: where the two answers disagree, it is a tie. Every answer is kept at once, so that nothing is asked twice, and
 * what fails or is stopped goes on from there.
 * @throws BadInputError for a key that cannot be sent; (from compare) as postJson does, and BudgetUsedUpError, each of them
 *   when what is under way is answered and kept
 */
export function createOpenaiJudge(options: OpenaiJudgeOptions, source: OpenaiJudgeSource): Judge {
  const { model, name = model, baseUrl, timeoutMs, maxAttempts, requestsPerMinute, maxCalls } = options;
  const { where } = source;
  refuseUnsendableToken(source.token, where);
  const endpoint: Endpoint = {
    ...{ random: Math.random, ...source, timeoutMs, maxAttempts, advice: ADVICE },
    url: `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
    pace: callPace({ requestsPerMinute, maxCalls, where }),
  };
  const asker = { ...options, template: source.template, ask: keptCompletions(endpoint, source.cache) };
  return {
    name,
    compare: (comparisons, { signal = new AbortController().signal, onProgress } = {}) =>
      compareAll(asker, comparisons, { where, signal, onProgress: onProgress ?? (() => undefined) }),
  };
}

const ADVICE: Endpoint["advice"] = {
  unanswered: "Check that the endpoint is up and keeps up (concurrency, requestsPerMinute, timeoutMs), and the quota.",
  unauthorised: "Set the environment variable that keyEnv names to a key that this endpoint knows.",
  refused: "Correct baseUrl, model, or the fields of the request (temperature, maxTokens, body).",
};

interface Asker extends Pick<
  OpenaiJudgeOptions,
  "model" | "temperature" | "maxTokens" | "body" | "reAsks" | "concurrency"
> {
  readonly template: JudgeTemplate;
  readonly ask: AskForText;
}

type Place = ComparisonAnswer["firstShown"];

/** Every pair in both orders. The first failure lets what is under way end, and starts nothing more. */
async function compareAll(
  asker: Asker,
  comparisons: readonly Comparison[],
  {
    where,
    signal,
    onProgress,
  }: {
    readonly where: string;
    readonly signal: AbortSignal;
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly Judgement[]> {
  const queue = new PQueue({ concurrency: asker.concurrency });
  const failures: unknown[] = [];
  let done = 0;
  const askUnlessFailed = async (comparison: Comparison, firstShown: Place) => {
    if (failures.length > 0 || signal.aborted) return null;
    try {
      return await askInOrder(asker, comparison, { firstShown, signal });
    } catch (error) {
      failures.push(error);
      return null;
    }
  };
  const judgements = await Promise.all(
    comparisons.map(async (comparison): Promise<Judgement | null> => {
      // Nobody is asked whether a text is better than itself.
      const isSame = comparison.first === comparison.second;
      const orders = isSame ? [] : (["first", "second"] as const);
      const asked = await queue.addAll(orders.map((firstShown) => () => askUnlessFailed(comparison, firstShown)));
      if (asked.includes(null)) return null;
      onProgress(++done);
      return isSame ? { verdict: "tie", answers: [] } : judgementOf(asked as (readonly ComparisonAnswer[])[]);
    }),
  );
  if (signal.aborted) throw new InterruptedError(`${where}: interrupted. ${kept(done, comparisons.length)}`);
  if (failures.length > 0) throw withCount(failures[0], kept(done, comparisons.length));
  return judgements as Judgement[];
}

const kept = (done: number, all: number): string =>
  `${done} of ${all} comparisons are judged, and every answer is kept: going on asks for the rest alone.`;

function withCount(error: unknown, count: string): unknown {
  if (error instanceof Error) error.message += `\n${count}`;
  return error;
}

/** One order of a pair: asked again where the answer states no preference. @returns what was said, the last of which counts */
async function askInOrder(
  { model, temperature, maxTokens, body, reAsks, template, ask }: Asker,
  { prompt, first, second }: Comparison,
  { firstShown, signal }: { readonly firstShown: Place; readonly signal: AbortSignal },
): Promise<readonly ComparisonAnswer[]> {
  const other = firstShown === "first" ? "second" : "first";
  const [responseA, responseB] = firstShown === "first" ? [first, second] : [second, first];
  const settings = {
    ...{ model, ...body },
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
  };
  const answers: ComparisonAnswer[] = [];
  let messages: readonly ChatMessage[] = [{ role: "user", content: template({ prompt, responseA, responseB }) }];
  for (let attempt = 0; attempt <= reAsks; attempt++) {
    const text = await ask({ ...settings, messages }, { attempt, signal });
    const choice = readChoice(text);
    const preferred = choice === "A" ? firstShown : choice === "B" ? other : choice;
    answers.push({ firstShown, preferred, text });
    if (preferred !== null) break;
    // An endpoint may refuse an empty turn.
    if (text.trim() !== "") {
      messages = [...messages, { role: "assistant", content: text }, { role: "user", content: REMINDER }];
    }
  }
  return answers;
}

/** A tie where the two orders disagree; no verdict where one of them has none. */
function judgementOf(orders: readonly (readonly ComparisonAnswer[])[]): Judgement {
  const [one, other] = orders.map((answers) => answers.at(-1)!.preferred);
  const isUnread = one === null || other === null;
  return { verdict: isUnread ? null : one === other ? one! : "tie", answers: orders.flat() };
}
