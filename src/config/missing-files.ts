import { statSync } from "node:fs";
import { sep } from "node:path";
import { pathsOf, type DataOptions } from "./data.js";
import { unreadable } from "./model-files.js";
import { adapterFolderProblems, modelFolderProblems } from "./model-folders.js";
import { packagedFile } from "./packaged-file.js";
import type { Recipe } from "./recipe.js";
import { isRewardModel } from "./reward.js";
import { rewardTerms } from "./reward-terms.js";

/** A path of the recipe that must exist, and what is looked at in a folder that does. */
interface Needed {
  readonly key: string;
  readonly path: string;
  readonly kind: string;
  /** @returns a sentence for each thing that is wrong */
  readonly check?: (path: string) => readonly string[];
}

const dataFiles = (section: string, { path, references }: DataOptions): Needed[] =>
  [
    ...pathsOf(path).map((one) => ({ key: `${section}.path`, path: one })),
    ...pathsOf(references?.path ?? []).map((one) => ({ key: `${section}.references.path`, path: one })),
  ].map((one) => ({ ...one, kind: "a JSON or Parquet file, or a folder of them" }));

/** What the recipe names on this machine. With a remote server, bases and adapters are on the server's disk. */
function neededFiles({ server, model, data, sft, reward, policy, evaluation }: Recipe): readonly Needed[] {
  const needed = [
    ...dataFiles("data", data),
    ...(evaluation.data ? dataFiles("evaluation.data", evaluation.data) : []),
  ];
  for (const { key, reward: term } of rewardTerms(reward)) {
    if (!isRewardModel(term) && term.module !== undefined)
      needed.push({ key: `${key}.module`, path: term.module, kind: "a TypeScript or JavaScript module" });
  }
  for (const [i, { template }] of evaluation.judges.entries()) {
    const kind = "a text file with {prompt}, {responseA} and {responseB}";
    if (template !== undefined) needed.push({ key: `evaluation.judges[${i}].template`, path: template, kind });
  }
  const reset = policy.kind === "online" ? policy.reset : null;
  if (reset?.source.kind === "pool")
    needed.push({ key: "policy.reset.source.path", path: reset.source.path, kind: "a JSONL file" });
  if (reset?.selector.kind === "function") {
    const kind = "a TypeScript or JavaScript module";
    needed.push({ key: "policy.reset.selector.module", path: reset.selector.module, kind });
  }
  for (const [i, sampler] of server.samplers.entries()) {
    if (sampler.kind === "remote" && sampler.tlsCa !== undefined)
      needed.push({ key: `server.samplers[${i}].tlsCa`, path: sampler.tlsCa, kind: "a PEM file" });
  }
  if (server.kind === "remote") {
    return server.tlsCa === undefined
      ? needed
      : [...needed, { key: "server.tlsCa", path: server.tlsCa, kind: "a PEM file" }];
  }
  const kind = "a model folder in Hugging Face layout";
  const base = { kind, check: (path: string) => modelFolderProblems(path, { needsTokenizer: true }) };
  // Its texts may be read with the base's tokenizer.
  const rewardModel = { kind, check: (path: string) => modelFolderProblems(path, { needsTokenizer: false }) };
  const adapter = { kind: "a PEFT adapter folder", check: adapterFolderProblems };
  needed.unshift({ key: "model.base", path: model.base, ...base });
  if (sft.kind === "adapter") needed.push({ key: "sft.path", path: sft.path, ...adapter });
  if (reset?.source.kind === "livePolicy" && "path" in reset.source.writer) {
    const { writer } = reset.source;
    const what = writer.kind === "adapter" ? adapter : base;
    needed.push({ key: "policy.reset.source.writer.path", path: writer.path, ...what });
  }
  for (const { key, reward: term } of rewardTerms(reward)) {
    if (!isRewardModel(term) || term.kind === "train") continue;
    needed.push({ key: `${key}.path`, path: term.path, ...(term.kind === "adapter" ? adapter : rewardModel) });
  }
  for (const [i, { reward: judge }] of evaluation.judges.entries()) {
    if (judge === undefined || judge.kind === "train") continue;
    const key = `evaluation.judges[${i}].reward.path`;
    needed.push({ key, path: judge.path, ...(judge.kind === "adapter" ? adapter : rewardModel) });
  }
  return needed;
}

function howToFix(key: string, folders: readonly string[]): string {
  // What is left of "https://host/file" as a path.
  if (folders.some((folder, i) => /^[a-z][a-z0-9+-]+:$/i.test(folder) && i < folders.length - 1))
    return "Addresses are not read: download the file, and name it here.";
  if (!folders.includes("assets")) {
    const setting = key.replaceAll(/\[(\d+)\]/g, ".$1");
    return (
      "Correct the path, which is relative to the recipe's folder, or say where it is: drpo train, sample, export, evaluate " +
      `and judge take --set ${setting}=PATH.`
    );
  }
  return folders.includes("tiny")
    ? `Run ${packagedFile("scripts/make-tiny-assets")} to make the models and the data of the tiny recipes.`
    : `Run ${packagedFile("scripts/fetch-assets")} to fetch the model and the data of the quickstart.`;
}

/** A line for each file or folder that the recipe names and that is not there or not whole, with what to do about it. */
export function missingFiles(recipe: Recipe): readonly string[] {
  return neededFiles(recipe).flatMap(({ key, path, kind, check }) => {
    try {
      if (statSync(path, { throwIfNoEntry: false }) === undefined)
        return [`${key}: there is nothing at ${path}; it must be ${kind}. ${howToFix(key, path.split(sep))}`];
    } catch (error) {
      return [`${key}: ${path} ${unreadable(path, error)}`];
    }
    return check?.(path).map((problem) => `${key}: ${problem}`) ?? [];
  });
}
