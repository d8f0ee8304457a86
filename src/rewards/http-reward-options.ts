import { z } from "zod";
import { environmentVariable, HIDE_VALUE, urlProblem } from "../config/endpoint-url.js";
import { scoreUnits } from "../config/reward.js";

/** Options of the reward that a recipe calls `{ "kind": "http" }`. */
export const httpRewardOptions = z
  .strictObject({
    kind: z.literal("http"),
    url: z
      .string()
      .min(1)
      .describe("POST {responses: [{prompt, response, ended, id?}]} to it gives {scores: [number]}, one a response."),
    batchSize: z.number().int().positive().default(32).describe("Responses in a request."),
    concurrency: z.number().int().positive().default(4).describe("Requests at the same time."),
    timeoutMs: z
      .number()
      .int()
      .positive()
      .max(300_000)
      .default(30_000)
      .describe("A request that is not answered for so long (ms) is given up and made again."),
    maxAttempts: z
      .number()
      .int()
      .positive()
      .default(6)
      .describe("Times that a request is made in all: again after 429, 5xx, or no answer."),
    tokenEnv: environmentVariable
      .optional()
      .describe("Name of the environment variable with the token, which is sent as Authorization: Bearer."),
    allowInsecure: z.boolean().default(false).describe("Plain http: beyond this machine."),
    ...scoreUnits({ normalise: false }),
  })
  .superRefine(({ url, allowInsecure }, context) => {
    const message = urlProblem(url, { allowInsecure, tokenKey: "tokenEnv" });
    if (message !== null) context.addIssue({ code: "custom", path: ["url"], message, params: HIDE_VALUE });
  })
  .describe("A verifier behind HTTP.");

export type HttpRewardOptions = z.infer<typeof httpRewardOptions>;
