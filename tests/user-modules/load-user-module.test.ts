import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { loadUserFunction } from "../../src/user-modules/load-user-module.js";

type Doubling = (x: number) => number | Promise<number>;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-module-"));
});
afterAll(() => rm(folder, { recursive: true }));

const written = async (name: string, text: string): Promise<string> => {
  const module = join(folder, name);
  await writeFile(module, text);
  return module;
};

const load = (module: string, exportName?: string) =>
  loadUserFunction<Doubling>({ module, where: "reward", ...(exportName === undefined ? {} : { exportName }) });

const problem = async (module: string, exportName?: string): Promise<string> => {
  const error: unknown = await load(module, exportName).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BadInputError);
  return (error as Error).message;
};

describe("a user's function", () => {
  test.each([
    ["types.ts", "interface X { x: number }\nexport default (x: X['x']): number => 2 * x;"],
    ["types.mts", "const times: number = await Promise.resolve(2);\nexport default (x: number) => times * x;"],
    ["plain.mjs", "export default async (x) => 2 * x;"],
    ["plain.js", "export default (x) => 2 * x;"],
    ["common.cjs", "module.exports = (x) => 2 * x;"],
  ])("comes from %s", async (name, text) => {
    const { fn } = await load(await written(name, text));
    expect(await fn(21)).toBe(42);
  });

  test("is found by its name, and may import another module", async () => {
    await written("other.ts", "export const two: number = 2;");
    const module = await written(
      "named.ts",
      'import { two } from "./other";\nexport const twice = (x: number) => two * x;',
    );
    const { fn } = await load(module, "twice");
    expect(await fn(4)).toBe(8);
  });

  test("comes with the hash of its file, and leaves nothing beside it", async () => {
    const text = "export default (x: number) => x;";
    const module = await written("hashed.ts", text);
    const before = await readdir(folder);
    const { hash } = await load(module);
    expect(hash).toBe(createHash("sha256").update(text).digest("hex"));
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("a module that is refused", () => {
  test("is not there", async () => {
    expect(await problem(join(folder, "none.ts"))).toMatch(/^reward: there is nothing at .*none\.ts/);
    expect(await problem(folder)).toMatch(/^reward: EISDIR on reading/);
  });

  test("has no such export", async () => {
    const module = await written("names.ts", "export const good = () => 1;\nexport const bad = () => 0;");
    expect(await problem(module, "god")).toMatch(/names\.ts exports no god; it exports bad, good\./);
    expect(await problem(await written("empty.ts", "export {};"))).toMatch(/exports no default; it exports nothing/);
  });

  test.each([
    ["export default 'text';", "of type string"],
    ["export default 5;", "of type number"],
    ["export default { score: () => 1 };", "of type object"],
  ])("exports no function: %s", async (text, what) => {
    expect(await problem(await written(`not-${what.length}.ts`, text))).toMatch(
      new RegExp(`default of .* is ${what}; it must be a function`),
    );
  });

  test("does not load", async () => {
    expect(await problem(await written("syntax.ts", "export default (x: number => x;"))).toMatch(
      /syntax\.ts cannot be loaded: .*Unexpected token/s,
    );
    expect(await problem(await written("throws.ts", "throw new Error('no model');"))).toMatch(
      /throws\.ts cannot be loaded: no model/,
    );
  });
});
