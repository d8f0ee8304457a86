import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PYTHON } from "./commands/tiny-project.js";
import { ROOT } from "./commands/run-drpo.js";

/** Families of bases with the habits of published ones; server-images/tests/published_bases.py describes each. */
export type BaseFamily = "llama3" | "qwen2" | "mistral" | "llama2" | "unigram" | "gpt-neox";

/** Writes a base of a few thousand random weights that looks like a published one; needs Python. */
export function writePublishedBase(family: BaseFamily, folder: string): void {
  const script = join(ROOT, "server-images", "tests", "published_bases.py");
  execFileSync(PYTHON, [script, family, folder], { stdio: "ignore" });
}
