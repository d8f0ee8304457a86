import { z } from "zod";
import { environmentVariable, HIDE_VALUE, urlProblem } from "../config/endpoint-url.js";
import { isLoopbackHost } from "../config/loopback-host.js";

export const OPENAI_URL = "https://api.openai.com/v1";
const OPENAI_KEY = "OPENAI_API_KEY";

/** Fields of a request that other options say. */
const OWN_FIELDS = ["model", "messages", "temperature", "max_tokens", "n", "stream"];

const fields = z.strictObject({
  kind: z.literal("openai"),
  name: z.string().min(1).optional().describe("What reports call it. Left out: the model's name."),
  baseUrl: z
    .string()
    .min(1)
    .default(OPENAI_URL)
    .describe("OpenAI-compatible API; /chat/completions is asked below it. https:, or http: on this machine."),
  model: z.string().min(1).describe("As the endpoint calls it."),
  keyEnv: environmentVariable
    .nullable()
    .optional()
    .describe(
      `Name of the environment variable with the API key. Left out: ${OPENAI_KEY} for ${new URL(OPENAI_URL).host}, none on ` +
        "this machine; for any other host name one, or say null if it needs none.",
    ),
  task: z
    .enum(["summary", "dialogue", "review"])
    .optional()
    .describe("What is judged: the template that comes with drpo. Left out where a template is named."),
  template: z
    .string()
    .min(1)
    .optional()
    .describe("Text file with {prompt}, {responseA} and {responseB}, relative to the recipe."),
  temperature: z.number().min(0).max(2).nullable().default(0).describe("Null: the endpoint's own."),
  maxTokens: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(256)
    .describe("Of an answer. Null: it is not sent, for models that know another field (see body)."),
  body: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('More fields of each request, as they are: {"max_completion_tokens": 2000}.'),
  concurrency: z.number().int().positive().default(8).describe("Requests at the same time."),
  requestsPerMinute: z.number().positive().optional().describe("At most so many, evenly spaced. Left out: no limit."),
  maxCalls: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      "Budget of one evaluation: requests, repeated ones included. Kept answers cost none. Left out: no limit.",
    ),
  timeoutMs: z
    .number()
    .int()
    .positive()
    .max(600_000)
    .default(60_000)
    .describe("A request that is not answered for so long (ms) is given up and made again."),
  maxAttempts: z
    .number()
    .int()
    .positive()
    .default(6)
    .describe(
      "Times that a request is made in all: again after 429, 5xx, no answer, or one that is no chat completion.",
    ),
  reAsks: z
    .number()
    .int()
    .min(0)
    .default(2)
    .describe("Times that the judge is asked again where its answer states no preference; then the row is unjudged."),
  allowInsecure: z.boolean().default(false).describe("Plain http: beyond this machine."),
});

export type OpenaiJudgeOptions = z.infer<typeof fields>;

/** Options of the judge that a recipe calls `{ "kind": "openai" }`. */
export const openaiJudgeOptions = fields
  .superRefine((judge, context) => {
    const refuse = (key: keyof OpenaiJudgeOptions, message: string) =>
      context.addIssue({ code: "custom", path: [key], message, params: HIDE_VALUE });
    const address = addressProblem(judge);
    if (address !== null) return refuse("baseUrl", address);
    if (keyEnvOf(judge) === undefined) {
      refuse("keyEnv", `is left out: name the variable with the key of ${new URL(judge.baseUrl).host}, or say null`);
    }
    if ((judge.task === undefined) === (judge.template === undefined)) {
      refuse("task", 'and template: give one of them; task is one of "summary", "dialogue", "review"');
    }
    const own = OWN_FIELDS.find((field) => field in judge.body);
    if (own !== undefined) refuse("body", `has ${own}, which another option says`);
  })
  .describe("A language model behind an OpenAI-compatible endpoint; each pair is asked in both orders.");

function addressProblem({ baseUrl, allowInsecure }: OpenaiJudgeOptions): string | null {
  const problem = urlProblem(baseUrl, { allowInsecure, tokenKey: "keyEnv" });
  if (problem !== null) return problem;
  const { search, hash } = new URL(baseUrl);
  return search === "" && hash === "" ? null : "has a query or a fragment; it must be like https://host/v1";
}

/**
 * The variable with the key. A key goes only to the host that it is for, so that of OpenAI is assumed for OpenAI alone.
 * @returns null if the endpoint needs none; undefined if the recipe must say
 */
export function keyEnvOf({
  baseUrl,
  keyEnv,
}: Pick<OpenaiJudgeOptions, "baseUrl" | "keyEnv">): string | null | undefined {
  if (keyEnv !== undefined) return keyEnv;
  const { origin, hostname } = new URL(baseUrl);
  if (origin === new URL(OPENAI_URL).origin) return OPENAI_KEY;
  return isLoopbackHost(hostname) ? null : undefined;
}
