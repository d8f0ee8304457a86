import { z } from "zod";

/** JSON Schema (draft 2020-12) of a recipe as a person writes it: what has a default may be left out. */
export function recipeJsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", reused: "inline" }) as Record<string, unknown>;
  return { $schema, title: "drpo recipe", ...rest };
}
