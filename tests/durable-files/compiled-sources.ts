import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const ROOT = resolve(import.meta.dirname, "../..");

/** src/ as JavaScript, for tests that need another process: Node 20 cannot run TypeScript. */
export async function compileSources(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  // Inside the repository, so that npm packages are found.
  await mkdir(join(ROOT, ".jest-cache"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".jest-cache", "sources-"));
  const names = await readdir(join(ROOT, "src"), { recursive: true });
  for (const name of names.filter((one) => one.endsWith(".ts") && !one.endsWith(".d.ts"))) {
    const source = await readFile(join(ROOT, "src", name), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
    });
    const target = join(folder, relative(".", name).replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
