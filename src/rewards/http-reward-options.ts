import { z } from "zod";
import { isLoopbackHost } from "../config/loopback-host.js";
import { scoreUnits } from "../config/reward.js";

/** A URL, and the name of a variable, are where a secret ends up by mistake: messages do not repeat them. */
const hideValue = { hideValue: true };

/** What is wrong with a verifier's address; null if nothing is. */
function urlProblem(text: string, allowInsecure: boolean): string | null {
  if (!URL.canParse(text)) return "is not a URL; it must be like https://host/path";
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") {
    return "has credentials in it; put the token in an environment variable and name that in tokenEnv";
  }
  if (protocol !== "http:" && protocol !== "https:") return `begins with ${protocol}; it must be http: or https:`;
  if (protocol === "http:" && !isLoopbackHost(hostname) && !allowInsecure) {
    return (
      `is http: at ${hostname}, where others can read what travels; ` +
      "use https:, or set allowInsecure to true on a network of your own"
    );
  }
  return null;
}

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
    tokenEnv: z
      .string()
      .refine((name) => /^[A-Za-z_]\w*$/.test(name), {
        error: "must be the name of an environment variable, not the token itself",
        params: hideValue,
      })
      .optional()
      .describe("Name of the environment variable with the token, which is sent as Authorization: Bearer."),
    allowInsecure: z.boolean().default(false).describe("Plain http: beyond this machine."),
    ...scoreUnits({ normalise: false }),
  })
  .superRefine(({ url, allowInsecure }, context) => {
    const message = urlProblem(url, allowInsecure);
    if (message !== null) context.addIssue({ code: "custom", path: ["url"], message, params: hideValue });
  })
  .describe("A verifier behind HTTP.");

export type HttpRewardOptions = z.infer<typeof httpRewardOptions>;
