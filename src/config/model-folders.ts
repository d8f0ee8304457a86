import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileProblem, isObject, readJsonObject, safetensorsProblem, unreadable } from "./model-files.js";

/**
 * What is wrong with the folders of models that a recipe names, as far as their files tell: a base, or a reward model in
 * Hugging Face layout, and PEFT adapters. Weights are not read, only whether they are all there.
 */

/** Values of `model_type` that the model server knows (FAMILIES in server-images/drpo_server/engine/network.py). */
export const MODEL_TYPES: readonly string[] = ["gpt_neox", "llama", "mistral", "qwen2", "qwen3"];

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";
/** Pickled weights; not what trainers leave beside them. */
const PICKLES = /^(?!training_args|optimizer|scheduler|rng_state|scaler).*\.(bin|pt|pth|ckpt)$/;
const TOKENIZERS = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"];
/** Read if they are there. */
const OPTIONAL_JSON = [
  ...["generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"],
  ...["added_tokens.json", "vocab.json", "chat_template.json"],
];
const OPTIONAL_FILES = ["tokenizer.model", "spiece.model", "merges.txt", "vocab.txt", "chat_template.jinja"];

/** @returns a sentence for each thing that is wrong with a folder in Hugging Face layout */
export function modelFolderProblems(folder: string, { needsTokenizer }: { readonly needsTokenizer: boolean }) {
  const listed = namesIn(folder);
  if (typeof listed === "string") return [listed];
  const names = new Set(listed);
  if (!names.has("config.json")) return [whatElse(folder, listed)];
  const config = readJsonObject(join(folder, "config.json"));
  if (names.has("adapter_config.json")) {
    return [
      `${folder} holds an adapter (adapter_config.json) beside a base, which would be loaded as one. Move the ` +
        "adapter's files into another folder.",
    ];
  }
  return [
    ...("problem" in config ? [config.problem] : configProblems(config.object, join(folder, "config.json"))),
    ...weightProblems(folder, listed),
    ...(needsTokenizer && !TOKENIZERS.some((name) => names.has(name))
      ? [`${folder} has no tokenizer (tokenizer.json or tokenizer.model). Fetch the tokenizer's files, too.`]
      : []),
    ...OPTIONAL_JSON.filter((name) => names.has(name)).flatMap((name) => jsonProblems(join(folder, name))),
    ...OPTIONAL_FILES.filter((name) => names.has(name)).flatMap((name) => fileProblem(join(folder, name)) ?? []),
  ];
}

/** @returns a sentence for each thing that is wrong with a PEFT adapter's folder */
export function adapterFolderProblems(folder: string): readonly string[] {
  const listed = namesIn(folder);
  if (typeof listed === "string") return [listed];
  const path = join(folder, "adapter_config.json");
  if (!listed.includes("adapter_config.json"))
    return [`${folder} has no adapter_config.json, so it is not a PEFT adapter folder. Correct the path.`];
  const config = readJsonObject(path);
  return [
    ...("problem" in config ? [config.problem] : adapterConfigProblems(config.object, path)),
    ...adapterWeightProblems(folder, listed),
  ];
}

/** What is in a folder, or why it cannot be looked into. */
function namesIn(folder: string): readonly string[] | string {
  try {
    if (!statSync(folder).isDirectory())
      return `${folder} is a file. Name the folder that holds the model's files (config.json and the weights).`;
    return readdirSync(folder).sort();
  } catch (error) {
    return `${folder} ${unreadable(folder, error)}`;
  }
}

/** Of a folder without a config.json: what it looks like instead. */
function whatElse(folder: string, names: readonly string[]): string {
  const lacks = `${folder} has no config.json, so it is not a model folder in Hugging Face layout.`;
  const gguf = names.find((name) => name.endsWith(".gguf"));
  if (names.includes("adapter_config.json"))
    return `${lacks} It holds a PEFT adapter: name it as an adapter (kind "adapter"), and its base as model.base.`;
  if (names.includes("snapshots"))
    return `${lacks} It is a cache of the Hugging Face hub: name the folder below ${join(folder, "snapshots")}.`;
  if (gguf !== undefined) return `${lacks} ${convertGguf(join(folder, gguf))}`;
  return `${lacks} Correct the path, or fetch the model: hf download ORGANISATION/NAME --local-dir ${folder}`;
}

function configProblems(config: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const { model_type: type, quantization_config: quantisation } = config;
  const known = `The model server knows ${MODEL_TYPES.join(", ")}.`;
  if (typeof type !== "string")
    return [`${path} has no model_type, so it does not say what the model is. ${known} Fetch the file again.`];
  const problems: string[] = [];
  if (!MODEL_TYPES.includes(type))
    problems.push(`${path}: model_type "${type}" is not supported. ${known} Name a base of one of them.`);
  if (isObject(quantisation)) {
    const named = quantisation["quant_method"];
    const method = typeof named === "string" ? named : "by an unknown method";
    problems.push(
      `${path}: the model is quantised (quantization_config: ${method}), and cannot be trained here. Name the model's ` +
        "unquantised version.",
    );
  }
  return problems;
}

function weightProblems(folder: string, names: readonly string[]): readonly string[] {
  if (names.includes(WEIGHTS)) return oneOrNone(safetensorsProblem(join(folder, WEIGHTS)));
  if (names.includes(INDEX)) return shardProblems(folder);
  const gguf = names.find((name) => name.endsWith(".gguf"));
  if (gguf !== undefined) return [`${folder} has no ${WEIGHTS}. ${convertGguf(join(folder, gguf))}`];
  const pickle = names.find((name) => PICKLES.test(name));
  if (pickle !== undefined) return [`${folder} has pickled weights only (${pickle}), which are never read. ${CONVERT}`];
  const other = names.find((name) => name.endsWith(".safetensors"));
  const besides = other === undefined ? "" : ` (${other} is not read without one of them)`;
  return [
    `${folder} has no weights: neither ${WEIGHTS} nor ${INDEX}${besides}. Fetch them: ` +
      `hf download ORGANISATION/NAME --local-dir ${folder}`,
  ];
}

const CONVERT =
  "Fetch the model's safetensors files, or convert it with transformers: " +
  "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER).";

const convertGguf = (file: string): string =>
  `A GGUF file is converted first: python -m drpo_server.gguf_to_safetensors ${file} FOLDER`;

/** Of weights in several files, which an index lists. */
function shardProblems(folder: string): readonly string[] {
  const path = join(folder, INDEX);
  const index = readJsonObject(path);
  if ("problem" in index) return [index.problem];
  const files = isObject(index.object["weight_map"]) ? Object.values(index.object["weight_map"]) : [];
  if (files.length === 0 || !files.every((file) => typeof file === "string"))
    return [`${path} has no weight_map, so it does not say where the weights are. Fetch the file again.`];
  return [...new Set(files)].flatMap((file) => safetensorsProblem(join(folder, file)) ?? []);
}

function adapterConfigProblems(config: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const { peft_type: type, r, lora_alpha: alpha } = config;
  if (type !== "LORA") {
    const said = type === undefined ? "is missing" : `is ${JSON.stringify(type)}`;
    return [`${path}: peft_type ${said}; only "LORA" is supported. Name a LoRA adapter.`];
  }
  if (typeof r === "number" && typeof alpha === "number") return [];
  return [`${path}: r and lora_alpha must be numbers. Fetch the file again.`];
}

function adapterWeightProblems(folder: string, names: readonly string[]): readonly string[] {
  if (names.includes(ADAPTER_WEIGHTS)) return oneOrNone(safetensorsProblem(join(folder, ADAPTER_WEIGHTS)));
  const pickle = names.find((name) => PICKLES.test(name));
  if (pickle === undefined) return [`${folder} has no ${ADAPTER_WEIGHTS}. Fetch the adapter's weights.`];
  return [
    `${folder} has pickled weights only (${pickle}), which are never read. Save the adapter again with a newer PEFT ` +
      `(save_pretrained writes ${ADAPTER_WEIGHTS}).`,
  ];
}

const oneOrNone = (problem: string | null): readonly string[] => (problem === null ? [] : [problem]);

/** JSON files that were read and found good, with their sizes and times: the runs of a sweep share a large tokenizer. */
const foundGood = new Set<string>();

/** @returns what is wrong with a JSON file that is there */
function jsonProblems(path: string): readonly string[] {
  if (foundGood.has(stampOf(path))) return [];
  const read = readJsonObject(path);
  if ("problem" in read) return [read.problem];
  foundGood.add(stampOf(path));
  return [];
}

function stampOf(path: string): string {
  try {
    const { size, mtimeMs } = statSync(path);
    return `${path}\0${size}\0${mtimeMs}`;
  } catch {
    // Whoever reads it will say why.
    return path;
  }
}
