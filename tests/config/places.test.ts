import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isPlace, mapPlaces, movedPlaces } from "../../src/config/places.js";
import { recipeDifferences, recipeHash } from "../../src/run/recipe-differences.js";
import { recipe as smallRecipe } from "../run/run-fixtures.js";

/** A recipe that names every kind of file. */
const recipeIn = (folder: string) => {
  const { policy, evaluation, ...rest } = smallRecipe();
  const at = (name: string) => join(folder, name);
  return {
    ...rest,
    server: { ...rest.server, python: at("python"), samplers: [{ kind: "remote", tlsCa: at("ca.pem") }] },
    model: { ...rest.model, base: at("base") },
    data: { ...rest.data, path: [at("a.jsonl"), at("b.jsonl")], references: { path: at("references") } },
    sft: { kind: "adapter", path: at("sft") },
    reward: {
      kind: "sum",
      terms: [
        { weight: 1, reward: { kind: "folder", path: at("reward"), template: "/base {response}" } },
        { weight: 2, reward: { kind: "function", module: at("length.ts") } },
      ],
    },
    policy: { ...policy, reset: { source: { kind: "livePolicy", writer: { kind: "adapter", path: at("guide") } } } },
    evaluation: {
      ...evaluation,
      data: { path: at("test.jsonl") },
      judges: [{ kind: "openai", template: at("judge.txt") }],
    },
    loggers: [{ kind: "tensorboard", directory: at("tb") }],
  };
};

const placesOf = (recipe: unknown) => {
  const found = new Map<string, string[]>();
  mapPlaces(recipe, (file, path) => {
    found.set(path, [...(found.get(path) ?? []), file]);
    return file;
  });
  return found;
};

describe("the places of a recipe", () => {
  test("are every file and folder that it names, and no other text", () => {
    const found = placesOf(recipeIn("/p"));
    expect([...found.values()].flat().sort()).toEqual(
      ["a.jsonl", "b.jsonl", "base", "ca.pem", "guide", "judge.txt", "length.ts", "python", "references"]
        .concat("reward", "sft", "tb", "test.jsonl")
        .map((name) => `/p/${name}`)
        .sort(),
    );
    for (const path of found.keys()) expect(isPlace(path)).toBe(true);
    for (const path of ["model", "seed", "reward.terms.0.weight", "policy.klCoef", "data.kind"])
      expect(isPlace(path)).toBe(false);
  });

  const name = fc.stringMatching(/^[a-z]{1,6}$/);
  const folder = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);

  test("are no difference between recipes, and what moves with a sweep leaves its hash", () => {
    fc.assert(
      fc.property(folder, folder, (from, to) => {
        const [before, now] = [recipeIn(join(from, "x")), recipeIn(join(to, "x"))];
        expect(recipeDifferences(before, now)).toEqual([]);
        expect(recipeHash(now, join(to, "sweep"))).toBe(recipeHash(before, join(from, "sweep")));
      }),
    );
  });

  test("where there is a file or none, and everything else, is a difference", () => {
    const before = recipeIn("/p");
    const { references: _, ...data } = before.data;
    expect(recipeDifferences(before, { ...before, data }).map(({ key }) => key)).toEqual(["data.references.path"]);
    expect(recipeDifferences(before, { ...before, seed: 7 }).map(({ key }) => key)).toEqual(["seed"]);
    expect(recipeDifferences(before, { ...before, data: { ...before.data, path: "/q/all" } })).toEqual([]);
  });

  describe("that were moved", () => {
    let parent: string;
    beforeEach(async () => void (parent = await mkdtemp(join(tmpdir(), "drpo-places-"))));
    afterEach(() => rm(parent, { recursive: true }));

    test("are found beside the run, and stay where they were if they are not there", async () => {
      const [old, now] = [join(parent, "project"), join(parent, "deep", "moved")];
      await mkdir(join(old, "base"), { recursive: true });
      await writeFile(join(old, "a.jsonl"), "");
      await mkdir(join(parent, "deep"));
      await rename(old, now);
      const moved = movedPlaces(recipeIn(old), join(old, "runs", "r"), join(now, "runs", "r"));
      expect(moved.model.base).toBe(join(now, "base"));
      expect(moved.data.path).toEqual([join(now, "a.jsonl"), join(old, "b.jsonl")]);
      expect(moved.sft).toEqual({ kind: "adapter", path: join(old, "sft") });
    });
  });
});
