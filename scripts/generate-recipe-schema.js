// Writes docs/recipe.schema.json, which editors use for "$schema" in a recipe. Needs `npm run build`.
//   node scripts/generate-recipe-schema.js           write it
//   node scripts/generate-recipe-schema.js --check   exit 1 if the committed one differs
import { readFileSync, writeFileSync } from "node:fs";
import { registeredRecipeSchema } from "../dist/commands/registry.js";
import { recipeJsonSchema } from "../dist/config/recipe-json-schema.js";

const file = new URL("../docs/recipe.schema.json", import.meta.url);
const text = `${JSON.stringify(recipeJsonSchema(registeredRecipeSchema), null, 2)}\n`;

const committed = () => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (committed() !== text) {
  console.error("docs/recipe.schema.json differs from src/config: run `npm run schema` and commit the result.");
  process.exitCode = 1;
}
