import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { loggersSchema } from "../../src/config/loggers.js";

const schema = loggersSchema([
  z.strictObject({ kind: z.literal("board"), directory: z.string().optional() }),
  z.strictObject({ kind: z.literal("cloud"), project: z.string() }),
]);

describe("the section loggers", () => {
  test("there is none unless one is named", () => {
    expect(schema.parse(undefined)).toEqual([]);
    expect(schema.parse([{ kind: "cloud", project: "p" }, { kind: "board" }])).toHaveLength(2);
  });

  test.each([
    ["one that is not registered", [{ kind: "paper" }]],
    ["one without its options", [{ kind: "cloud" }]],
    ["an option that it does not have", [{ kind: "cloud", project: "p", apiKey: "secret" }]],
    ["one that is named twice", [{ kind: "board" }, { kind: "board", directory: "elsewhere" }]],
  ])("%s is refused", (_, loggers) => expect(schema.safeParse(loggers).success).toBe(false));
});
