import { isAbsolute, resolve } from "node:path";
import type { Recipe } from "./recipe.js";

/** "testbed:tiny" is a name that a server knows, not a path. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]+:/;

/** Paths of a recipe are relative to its folder; here they become absolute, so that a run directory says it all. */
export function resolvePaths<R extends Recipe>(recipe: R, folder: string): R {
  const absolute = (path: string): string => (isAbsolute(path) || HAS_SCHEME.test(path) ? path : resolve(folder, path));
  const { server, model, data, sft, reward } = recipe;
  return {
    ...recipe,
    server:
      server.kind === "remote"
        ? { ...server, ...(server.tlsCa === undefined ? {} : { tlsCa: absolute(server.tlsCa) }) }
        : // A bare name is looked up on PATH.
          { ...server, ...(server.python?.includes("/") ? { python: absolute(server.python) } : {}) },
    model: { ...model, base: absolute(model.base) },
    data: { ...data, path: absolute(data.path) },
    sft: sft.kind === "adapter" ? { ...sft, path: absolute(sft.path) } : sft,
    reward: reward.kind === "train" ? reward : { ...reward, path: absolute(reward.path) },
  };
}
