import { z } from "zod";

/** What a recipe knows of a logger whose options an adapter brings. */
export interface RegisteredLogger {
  readonly kind: string;
  /** Where it writes, if it writes files. */
  readonly directory?: string | undefined;
}

/** Schema of a registered logger: a strict object with a literal `kind`. */
export type LoggerKind = z.ZodType<RegisteredLogger> & z.core.$ZodTypeDiscriminable;

/** Where metrics go besides metrics.jsonl. @param registered options of the loggers that there are */
export const loggersSchema = <const Registered extends readonly [LoggerKind, ...LoggerKind[]]>(
  registered: Registered,
) =>
  z
    .array(z.discriminatedUnion("kind", registered))
    .superRefine((loggers: readonly RegisteredLogger[], context) => {
      for (const [i, { kind }] of loggers.entries()) {
        if (loggers.findIndex((other) => other.kind === kind) === i) continue;
        context.addIssue({ code: "custom", path: [i, "kind"], message: `is "${kind}" again; name each logger once` });
      }
    })
    .default([])
    .describe("Where metrics, recipe and evaluation go besides the run directory.");
