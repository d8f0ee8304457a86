import { describe, expect, test } from "@jest/globals";
import { recipeJsonSchema } from "../../src/config/recipe-json-schema.js";
import { registeredRecipeSchema } from "../../src/commands/registry.js";

describe("the JSON Schema of a recipe", () => {
  const schema = recipeJsonSchema(registeredRecipeSchema) as {
    readonly required: readonly string[];
    readonly properties: Readonly<Record<string, { readonly description?: string }>>;
  };

  test("requires only what has no default", () => {
    expect([...schema.required].sort()).toEqual(
      ["name", "model", "data", "response", "sft", "reward", "policy", "evaluation"].sort(),
    );
  });

  test("says what a field is", () => {
    expect(schema.properties["seed"]?.description).toMatch(/random/);
    expect(JSON.stringify(schema)).toMatch(/Of the critic/);
  });
});
