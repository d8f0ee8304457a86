import { z } from "zod";

/** JSON Schema (draft 2020-12) of a recipe, or of another file, as a person writes it: what has a default may be left out. */
export function recipeJsonSchema(schema: z.ZodType, title = "drpo recipe"): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", reused: "inline" }) as Record<string, unknown>;
  return { $schema, title, ...rest };
}
