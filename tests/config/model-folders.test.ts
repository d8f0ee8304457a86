import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { adapterFolderProblems, MODEL_TYPES, modelFolderProblems } from "../../src/config/model-folders.js";
import { ROOT } from "../commands/run-drpo.js";
import { safetensors, writeFakeAdapter, writeFakeBase } from "../fake-base.js";

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"ab".repeat(32)}\nsize 538090408\n`;
const index = (...files: string[]): string =>
  JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`layer.${i}`, file])) });

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "drpo-model-")), "base");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

const problems = () => modelFolderProblems(folder, { needsTokenizer: true });
const remove = (...names: string[]) => {
  for (const name of names) rmSync(join(folder, name));
};
const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);

test("the model types are those of the server", () => {
  const source = readFileSync(join(ROOT, "server-images", "drpo_server", "engine", "network.py"), "utf8");
  const [, families = ""] = /^FAMILIES: .*?\{(.*?)^\}/ms.exec(source) ?? [];
  expect([...families.matchAll(/"(\w+)":/g)].map(([, name]) => name).sort()).toEqual([...MODEL_TYPES]);
});

describe("a base in which nothing is wrong", () => {
  test("in one file", () => {
    writeFakeBase(folder);
    expect(problems()).toEqual([]);
  });

  test("in several files", () => {
    writeFakeBase(folder, { "a.safetensors": safetensors(), "b.safetensors": safetensors() });
    remove("model.safetensors");
    write("model.safetensors.index.json", index("a.safetensors", "b.safetensors", "a.safetensors"));
    expect(problems()).toEqual([]);
  });

  test("of links, as the cache of the Hugging Face hub keeps it", () => {
    const blobs = join(folder, "..", "blobs");
    writeFakeBase(blobs);
    mkdirSync(folder);
    for (const name of ["config.json", "model.safetensors", "tokenizer.json"])
      symlinkSync(join("..", "blobs", name), join(folder, name));
    expect(problems()).toEqual([]);
  });

  test("with byte-order marks", () => {
    writeFakeBase(folder);
    for (const name of ["config.json", "tokenizer.json"]) {
      write(name, `\ufeff${readFileSync(join(folder, name), "utf8")}`);
    }
    expect(problems()).toEqual([]);
  });

  test("with what trainers and other tools leave beside it", () => {
    writeFakeBase(folder, {
      "training_args.bin": "pickle",
      "pytorch_model.bin": POINTER,
      "consolidated.safetensors": "",
    });
    expect(problems()).toEqual([]);
  });
});

describe.each([
  ...["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"],
  ...["tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"],
  ...["chat_template.jinja"],
])("%s", (name) => {
  beforeEach(() => writeFakeBase(folder));
  const theProblem = () => {
    const found = problems();
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(join(folder, name));
    return found[0];
  };

  test("as a Git LFS pointer", () => {
    write(name, POINTER);
    expect(theProblem()).toMatch(/is a Git LFS pointer.*git lfs pull/);
  });

  test("as an empty file", () => {
    write(name, "");
    expect(theProblem()).toMatch(/is empty.*Fetch it again/);
  });

  test("as the web page of an error", () => {
    write(name, "<!DOCTYPE html>\n<html><body>404</body></html>");
    expect(theProblem()).toMatch(/is a web page/);
  });

  test("as a link to nothing", () => {
    rmSync(join(folder, name), { force: true });
    symlinkSync("../blobs/gone", join(folder, name));
    expect(theProblem()).toMatch(/is a link to \.\.\/blobs\/gone, where there is nothing/);
  });

  test("as a link to itself", () => {
    rmSync(join(folder, name), { force: true });
    symlinkSync(name, join(folder, name));
    expect(theProblem()).toMatch(/leads back to itself/);
  });

  test("as a folder", () => {
    rmSync(join(folder, name), { force: true });
    mkdirSync(join(folder, name));
    expect(theProblem()).toMatch(/is not a file/);
  });
});

describe("weights", () => {
  test("that are cut anywhere are refused", () => {
    writeFakeBase(folder);
    const whole = safetensors();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (bytes) => {
        write("model.safetensors", whole.subarray(0, bytes));
        expect(problems()).toEqual([expect.stringMatching(/model\.safetensors is (cut off|empty)/)]);
      }),
    );
  });

  test("that are anything else are refused, and nothing is thrown", () => {
    writeFakeBase(folder);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        write("model.safetensors", Buffer.from(bytes));
        expect(problems()).toHaveLength(1);
      }),
    );
  });

  test("with a damaged header", () => {
    const damaged = safetensors();
    damaged.write("}}", 8);
    writeFakeBase(folder, { "model.safetensors": damaged });
    expect(problems()).toEqual([expect.stringMatching(/has a damaged header/)]);
  });

  test("with bytes beyond the last weight", () => {
    writeFakeBase(folder, { "model.safetensors": Buffer.concat([safetensors(), Buffer.alloc(3)]) });
    expect(problems()).toEqual([expect.stringMatching(/is longer than its header says/)]);
  });

  test("of which a shard is missing, cut or a pointer", () => {
    writeFakeBase(folder, { "a.safetensors": safetensors().subarray(0, -4), "b.safetensors": POINTER });
    remove("model.safetensors");
    write("model.safetensors.index.json", index("a.safetensors", "b.safetensors", "c.safetensors"));
    expect(problems()).toEqual([
      expect.stringMatching(/a\.safetensors is cut off/),
      expect.stringMatching(/b\.safetensors is a Git LFS pointer/),
      expect.stringMatching(/c\.safetensors is missing/),
    ]);
  });

  test.each([
    ["no JSON", '{"weight_map": {"a"', /index\.json is not JSON/],
    ["a list", "[]", /index\.json is JSON, but not an object/],
    ["without a map", "{}", /index\.json has no weight_map/],
    ["with a map of numbers", '{"weight_map": {"a": 1}}', /index\.json has no weight_map/],
  ])("whose index is %s", (_, content, message) => {
    writeFakeBase(folder, { "model.safetensors.index.json": content });
    remove("model.safetensors");
    expect(problems()).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    ["pickled", "pytorch_model.bin", /pickled weights only \(pytorch_model\.bin\).*save_pretrained/],
    ["pickled in parts", "pytorch_model-00001-of-00002.bin", /pickled weights only/],
    ["in GGUF", "model.Q4_K_M.gguf", /gguf_to_safetensors .*model\.Q4_K_M\.gguf/],
    ["in a file of another name", "consolidated.safetensors", /no weights.*consolidated\.safetensors is not read/],
    ["not there", "training_args.bin", /has no weights: neither/],
  ])("that are %s", (_, name, message) => {
    writeFakeBase(folder, { [name]: "x" });
    remove("model.safetensors");
    expect(problems()).toEqual([expect.stringMatching(message)]);
  });

  test("that are quantised", () => {
    const header = JSON.stringify({ "a.weight": { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFakeBase(folder, { "model.safetensors": Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]) });
    expect(problems()).toEqual([expect.stringMatching(/quantised weights \(a\.weight is F8_E4M3\)/)]);
  });
});

describe("config.json", () => {
  test.each([
    ["is cut", '{"model_type": "lla', /config\.json is not JSON.*Fetch it again/],
    ["is a list", "[1]", /config\.json is JSON, but not an object/],
    ["is null", "null", /config\.json is JSON, but not an object/],
    ["names no type", "{}", /config\.json has no model_type/],
    ["names another type", '{"model_type":"gpt2"}', /model_type "gpt2" is not supported\. .*llama, mistral/],
    [
      "says that the model is quantised",
      '{"model_type":"llama","quantization_config":{"quant_method":"gptq","bits":4}}',
      /quantised \(quantization_config: gptq\)/,
    ],
  ])("that %s", (_, content, message) => {
    writeFakeBase(folder, { "config.json": content });
    expect(problems()).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    ["an adapter", "adapter_config.json", /It holds a PEFT adapter/],
    ["a GGUF file", "model.gguf", /gguf_to_safetensors/],
    ["nothing", "README.md", /no config\.json.*hf download/],
  ])("that is missing, in a folder with %s", (_, name, message) => {
    mkdirSync(folder);
    write(name, "x");
    expect(problems()).toEqual([expect.stringMatching(message)]);
  });

  test("that is missing in a cache of the Hugging Face hub", () => {
    mkdirSync(join(folder, "snapshots"), { recursive: true });
    expect(problems()).toEqual([expect.stringMatching(/name the folder below .*snapshots/)]);
  });
});

test("a base is refused with an adapter beside it, without a tokenizer, and as a file", () => {
  writeFakeBase(folder, { "adapter_config.json": "{}" });
  expect(problems()).toEqual([expect.stringMatching(/holds an adapter \(adapter_config\.json\) beside a base/)]);
  remove("adapter_config.json", "tokenizer.json");
  expect(problems()).toEqual([expect.stringMatching(/has no tokenizer/)]);
  expect(modelFolderProblems(folder, { needsTokenizer: false })).toEqual([]);
  renameSync(join(folder, "model.safetensors"), join(folder, "..", "weights"));
  expect(modelFolderProblems(join(folder, "..", "weights"), { needsTokenizer: true })).toEqual([
    expect.stringMatching(/weights is a file\. Name the folder/),
  ]);
});

describe("an adapter", () => {
  const adapterProblems = () => adapterFolderProblems(folder);

  test("in which nothing is wrong", () => {
    writeFakeAdapter(folder);
    expect(adapterProblems()).toEqual([]);
  });

  test.each([
    ["adapter_config.json", "{", /adapter_config\.json is not JSON/],
    ["adapter_config.json", "[]", /adapter_config\.json is JSON, but not an object/],
    ["adapter_config.json", "{}", /peft_type is missing/],
    ["adapter_config.json", '{"peft_type":"IA3"}', /peft_type is "IA3"; only "LORA"/],
    ["adapter_config.json", '{"peft_type":"LORA","r":"8"}', /r and lora_alpha must be numbers/],
    ["adapter_config.json", POINTER, /is a Git LFS pointer/],
    ["adapter_model.safetensors", POINTER, /is a Git LFS pointer/],
    ["adapter_model.safetensors", "", /is empty/],
    ["adapter_model.safetensors", safetensors().subarray(0, 60), /is cut off/],
  ])("whose %s is %j", (name, content, message) => {
    writeFakeAdapter(folder, { [name]: content });
    expect(adapterProblems()).toEqual([expect.stringMatching(message)]);
  });

  test("without weights, and with pickled ones", () => {
    writeFakeAdapter(folder);
    remove("adapter_model.safetensors");
    expect(adapterProblems()).toEqual([expect.stringMatching(/has no adapter_model\.safetensors/)]);
    write("adapter_model.bin", "pickle");
    expect(adapterProblems()).toEqual([expect.stringMatching(/pickled weights only \(adapter_model\.bin\)/)]);
  });
});
