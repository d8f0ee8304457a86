// Writes docs/recipe.schema.json and docs/sweep.schema.json, which editors use for "$schema". Needs `npm run build`.
//   node scripts/generate-recipe-schema.js           write them
//   node scripts/generate-recipe-schema.js --check   exit 1 if a committed one differs
import { readFileSync, writeFileSync } from "node:fs";
import { registeredRecipeSchema } from "../dist/commands/registry.js";
import { recipeJsonSchema } from "../dist/config/recipe-json-schema.js";
import { sweepSchema } from "../dist/config/sweep.js";

const schemas = [
  { name: "docs/recipe.schema.json", schema: recipeJsonSchema(registeredRecipeSchema) },
  { name: "docs/sweep.schema.json", schema: recipeJsonSchema(sweepSchema, "drpo sweep") },
];

const committed = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

for (const { name, schema } of schemas) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
  } else if (committed(file) !== text) {
    console.error(`${name} differs from src/config: run \`npm run schema\` and commit the result.`);
    process.exitCode = 1;
  }
}
