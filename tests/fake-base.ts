import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A safetensors file with one weight. */
export function safetensors(): Buffer {
  const header = Buffer.from(
    JSON.stringify({ "model.norm.weight": { dtype: "F32", shape: [2], data_offsets: [0, 8] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(8)]);
}

/** Makes a folder that looks like a base as long as no server loads it. @param files instead of those it has, or besides */
export function writeFakeBase(folder: string, files: Readonly<Record<string, string | Buffer>> = {}): void {
  const config = JSON.stringify({ model_type: "llama", vocab_size: 32 });
  const usual = { "config.json": config, "model.safetensors": safetensors(), "tokenizer.json": "{}" };
  writeFiles(folder, { ...usual, ...files });
}

/** Makes a folder that looks like a PEFT adapter as long as no server loads it. */
export function writeFakeAdapter(folder: string, files: Readonly<Record<string, string | Buffer>> = {}): void {
  const config = JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4 });
  writeFiles(folder, { "adapter_config.json": config, "adapter_model.safetensors": safetensors(), ...files });
}

function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}
