import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import type { Recipe } from "./recipe.js";

/** A path of the recipe that must exist, and the file that tells a folder of the right kind. */
interface Needed {
  readonly key: string;
  readonly path: string;
  readonly marker?: string;
  readonly kind: string;
}

/** What the recipe names on this machine. With a remote server, bases and adapters are on the server's disk. */
function neededFiles({ server, model, data, sft, reward }: Recipe): readonly Needed[] {
  const needed: Needed[] = [{ key: "data.path", path: data.path, kind: "a JSONL file" }];
  if (server.kind === "remote") {
    return server.tlsCa === undefined
      ? needed
      : [...needed, { key: "server.tlsCa", path: server.tlsCa, kind: "a PEM file" }];
  }
  const folder = { marker: "config.json", kind: "a model folder in Hugging Face layout" };
  const adapter = { marker: "adapter_config.json", kind: "a PEFT adapter folder" };
  needed.unshift({ key: "model.base", path: model.base, ...folder });
  if (sft.kind === "adapter") needed.push({ key: "sft.path", path: sft.path, ...adapter });
  if (reward.kind === "adapter") needed.push({ key: "reward.path", path: reward.path, ...adapter });
  if (reward.kind === "folder") needed.push({ key: "reward.path", path: reward.path, ...folder });
  return needed;
}

/** A line for each file or folder that the recipe names and that is not there, with what to do about it. */
export function missingFiles(recipe: Recipe): readonly string[] {
  return neededFiles(recipe).flatMap(({ key, path, marker, kind }) => {
    const mend = path.split(sep).includes("assets")
      ? "Run ./scripts/fetch-assets to fetch the model and the data of the recipes."
      : "Correct the path; it is relative to the recipe's folder.";
    if (!existsSync(path)) return [`${key}: there is nothing at ${path}; it must be ${kind}. ${mend}`];
    if (marker !== undefined && !existsSync(join(path, marker))) {
      return [`${key}: ${path} has no ${marker}, so it is not ${kind}. ${mend}`];
    }
    return [];
  });
}
