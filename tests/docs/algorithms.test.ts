import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { algorithmRegistry, ALGORITHMS } from "../../src/commands/algorithm-registry.js";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import { expandCompat } from "../../src/config/compat.js";
import { conflicts } from "../../src/config/conflicts.js";
import { readAlgorithmsPage, ROOT, type AlgorithmsPage } from "./algorithms-page.js";

let page: AlgorithmsPage;
beforeAll(async () => void (page = await readAlgorithmsPage()));

test("every file and folder that is named exists", () => {
  const links = [...page.prose.matchAll(/\]\((?!https?:)([^)#\s]+)\)/g)].map(([, target]) => join("docs", target!));
  const named = [...page.prose.matchAll(/`((?:src|docs|tests|server-images|proto|recipes|scripts)\/[^`\s]*)`/g)];
  const paths = [...links, ...named.map(([, path]) => path!)];
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("a link shows the path that it leads to", () => {
  for (const [, shown, target] of page.prose.matchAll(/\[`([^`]+)`\]\(\.\.\/([^)]+)\)/g)) expect(target).toBe(shown);
});

test("links within the page lead to headings", () => {
  const slugs = [...page.prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replace(/ /g, "-"),
  );
  const wanted = [...page.prose.matchAll(/\]\(#([^)]+)\)/g)].map(([, slug]) => slug!);
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter((slug) => !slugs.includes(slug))).toEqual([]);
});

test("every algorithm that is registered has a fragment", () => {
  const kinds = page.blocks("json").join("\n");
  for (const { options } of ALGORITHMS) expect(kinds).toContain(`"kind": "${options.shape.kind.value}"`);
});

describe("fragments of recipes", () => {
  const optimizer = { learningRate: 1e-5 };
  const recipe = {
    name: "fragment",
    model: { base: "base" },
    data: { kind: "rated", path: "data.jsonl", prompt: "?" },
    response: { maxTokens: 53 },
    sft: { kind: "base" },
    reward: { kind: "train", optimizer },
    evaluation: { judges: [{ kind: "lexicon" }] },
  };
  const policy = { iterations: 100, optimizer, rolloutsPerIteration: 64 };
  type Sections = Readonly<Record<string, { readonly kind?: string }>>;
  const fragmentsOf = (blocks: readonly string[]) => blocks.map((block) => JSON.parse(block) as Sections);

  test("all are accepted, and nothing in them contradicts anything else", () => {
    for (const fragment of fragmentsOf(page.blocks("json"))) {
      if (JSON.stringify(fragment).includes('"reinforce"')) continue;
      const written = fragment["policy"] ?? {};
      const algorithm = "compat" in written ? {} : { algorithm: { kind: "ppo", criticOptimizer: optimizer } };
      const whole = written.kind === "dpo" ? written : { ...policy, ...algorithm, ...written };
      const { raw, problems } = expandCompat({ ...recipe, ...fragment, policy: whole });
      const parsed = registeredRecipeSchema.safeParse(raw);
      expect([fragment, parsed.error?.issues ?? []]).toEqual([fragment, []]);
      expect([fragment, ...problems, ...conflicts(parsed.data!)]).toEqual([fragment]);
    }
  });

  test("the compat preset sets what the table says, and no option more", () => {
    const section = page.prose.split(/^## /m).find((part) => part.startsWith("compat"))!;
    const setColumn = section
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split(/(?<!\\)\|/).at(-2)!)
      .join("\n");
    const { raw } = expandCompat({ policy: { compat: "drpo-2024" } });
    for (const path of leaves(raw).filter((one) => one !== "policy.compat")) {
      const shortened = path.replace(/^policy\./, "").replace(/\.(kind|law|field)$/, "");
      const last = shortened.split(".").at(-1)!;
      expect([path, [shortened, last].some((name) => setColumn.includes(name))]).toEqual([path, true]);
    }
  });

  test("what is said of pairs and of prefixes in a loss is what is refused", () => {
    const registry = algorithmRegistry(ALGORITHMS);
    const online = registeredRecipeSchema.parse({
      ...recipe,
      policy: { ...policy, algorithm: { kind: "rebel" }, reset: { continuations: 2 } },
    }).policy;
    if (online.kind !== "online") throw new Error("online is the default");
    const tokenwise = { ...online.reset, lossOnPrefix: { kind: "policyGradient", coefficient: 1 } } as const;
    expect(registry.conflicts(online)).toEqual([]);
    expect(registry.conflicts({ ...online, reset: { ...online.reset, continuations: 3 } })).toHaveLength(1);
    expect(registry.conflicts({ ...online, reset: tokenwise })).toHaveLength(1);
  });
});

/** Paths of the values in nested objects. */
const leaves = (value: unknown, path = ""): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`))
    : [path];
