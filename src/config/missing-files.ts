import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import { pathsOf } from "./data.js";
import type { Recipe } from "./recipe.js";
import { isRewardModel } from "./reward.js";
import { rewardTerms } from "./reward-terms.js";

/** A path of the recipe that must exist, and the file that tells a folder of the right kind. */
interface Needed {
  readonly key: string;
  readonly path: string;
  readonly marker?: string;
  readonly kind: string;
}

/** What the recipe names on this machine. With a remote server, bases and adapters are on the server's disk. */
function neededFiles({ server, model, data, sft, reward, policy }: Recipe): readonly Needed[] {
  const dataFiles = (key: string, paths: readonly string[]): readonly Needed[] =>
    paths.map((path) => ({ key, path, kind: "a JSONL or Parquet file, or a folder of them" }));
  const needed: Needed[] = [
    ...dataFiles("data.path", pathsOf(data.path)),
    ...dataFiles("data.references.path", pathsOf(data.references?.path ?? [])),
  ];
  for (const { key, reward: term } of rewardTerms(reward)) {
    if (!isRewardModel(term) && term.module !== undefined)
      needed.push({ key: `${key}.module`, path: term.module, kind: "a TypeScript or JavaScript module" });
  }
  const reset = policy.kind === "online" ? policy.reset : null;
  if (reset?.source.kind === "pool")
    needed.push({ key: "policy.reset.source.path", path: reset.source.path, kind: "a JSONL file" });
  if (reset?.selector.kind === "function") {
    const kind = "a TypeScript or JavaScript module";
    needed.push({ key: "policy.reset.selector.module", path: reset.selector.module, kind });
  }
  if (server.kind === "remote") {
    return server.tlsCa === undefined
      ? needed
      : [...needed, { key: "server.tlsCa", path: server.tlsCa, kind: "a PEM file" }];
  }
  const folder = { marker: "config.json", kind: "a model folder in Hugging Face layout" };
  const adapter = { marker: "adapter_config.json", kind: "a PEFT adapter folder" };
  needed.unshift({ key: "model.base", path: model.base, ...folder });
  if (sft.kind === "adapter") needed.push({ key: "sft.path", path: sft.path, ...adapter });
  if (reset?.source.kind === "livePolicy" && "path" in reset.source.writer) {
    const { writer } = reset.source;
    const what = writer.kind === "adapter" ? adapter : folder;
    needed.push({ key: "policy.reset.source.writer.path", path: writer.path, ...what });
  }
  for (const { key, reward: term } of rewardTerms(reward)) {
    if (!isRewardModel(term) || term.kind === "train") continue;
    needed.push({ key: `${key}.path`, path: term.path, ...(term.kind === "adapter" ? adapter : folder) });
  }
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
