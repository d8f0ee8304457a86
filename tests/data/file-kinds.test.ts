import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { parseDataFile } from "../../src/data/parse-data-file.js";
import { BadInputError } from "../../src/errors.js";
import { createDataFolder, groupsOf, read, refusal, type DataFolder } from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

const rows = Array.from({ length: 30 }, (_, i) => ({ prompt: `Q${i}`, chosen: `good – ${i}`, rejected: `bad ${i}` }));
const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const parquet = () =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: (["prompt", "chosen", "rejected"] as const).map((name) => ({
        name,
        data: rows.map((row) => row[name]),
      })),
    }),
  );
/** A zstd frame of raw blocks, which any writer of zstd may make. */
function zstd(text: string): Buffer {
  const content = Buffer.from(text);
  const blocks: Buffer[] = [];
  for (let start = 0; start < content.length; start += 1000) {
    const block = content.subarray(start, start + 1000);
    const header = (block.length << 3) | (start + 1000 >= content.length ? 1 : 0);
    blocks.push(Buffer.from([header & 255, (header >> 8) & 255, header >> 16]), block);
  }
  // Single segment, content size in four bytes.
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size, ...blocks]);
}

const pairs = (path: string | string[]) => ({ kind: "pairs" as const, path, heldOutShare: 0.3 });

async function put(name: string, content: string | Buffer): Promise<string> {
  await mkdir(join(folder.path, name, ".."), { recursive: true });
  await writeFile(join(folder.path, name), content);
  return join(folder.path, name);
}

const mark = "\ufeff";
const bigEndian = (text: string) => Buffer.from(text, "utf16le").swap16();

describe("a file is read by its content, whatever its name", () => {
  test.each<[string, string, () => string | Buffer]>([
    ["JSON Lines", "data", () => lines],
    ["a list", "data.jsonl", () => JSON.stringify(rows)],
    ["a list over many lines, after a mark", "data.json", () => mark + JSON.stringify(rows, null, 2)],
    ["Parquet", "DATA.PARQUET", parquet],
    ["Parquet called JSONL", "data.jsonl", parquet],
    ["gzip", "data.jsonl", () => gzipSync(lines)],
    ["a list in gzip", "data.json.gz", () => gzipSync(JSON.stringify(rows, null, 1))],
    ["zstd", "data.jsonl.zst", () => zstd(lines)],
    ["zstd in gzip", "data.bin", () => gzipSync(zstd(lines))],
    ["JSON Lines called .parquet", "data.parquet", () => lines],
    ["UTF-16 with a mark", "data.jsonl", () => Buffer.from(mark + lines, "utf16le")],
    ["UTF-16 of the other order", "data.jsonl", () => bigEndian(mark + lines)],
    ["UTF-16 without a mark", "data.jsonl", () => Buffer.from(lines, "utf16le")],
  ])("%s in %s", async (_, name, content) => {
    const dataset = await read(pairs(await put(name, content())));
    expect(groupsOf(dataset)).toEqual(groupsOf(await read(pairs(await put("plain.jsonl", lines)))));
  });

  test("an object over several lines is a row", async () => {
    const text = JSON.stringify({ prompt: "P", chosen: "a", rejected: "b" }, null, 2);
    expect(await parseDataFile("one.json", Buffer.from(text))).toEqual([
      { where: "one.json: row 1", fields: { prompt: "P", chosen: "a", rejected: "b" } },
    ]);
  });
});

describe("a file that is not read is named, with what to do", () => {
  test.each<[string, string | Buffer, RegExp]>([
    ["data.jsonl.bz2", Buffer.from("BZh91AY&SY....", "latin1"), /is packed with bzip2: unpack it with bunzip2/],
    ["data.jsonl.xz", Buffer.from("\xfd7zXZ\0\0", "latin1"), /is packed with xz: unpack it with unxz/],
    ["data.jsonl", Buffer.from("PK\x03\x04....", "latin1"), /is a zip archive .*unpack it with unzip/],
    ["data.tar.gz", gzipSync(Buffer.concat([Buffer.alloc(257), Buffer.from("ustar\x0000")])), /is a tar archive/],
    ["data.arrow", Buffer.from("ARROW1\0\0"), /is an Arrow \(Feather\) file: convert it: python -c .*read_feather/],
    ["data.arrow", Buffer.from([255, 255, 255, 255, 16, 0, 0, 0]), /is an Arrow stream, as datasets\.save_to_disk/],
    ["table.jsonl", "prompt,chosen,rejected\na,b,c\n", /is a table in text \(CSV\): convert it: python -c .*read_csv/],
    ["tabs", 'id\t"a text"\trating\n1\tb\t3\n', /is a table in text \(TSV\): convert it: .*sep=/],
    ["data.csv", "prompt,chosen,rejected\na,b,c\n", /is a table in text \(CSV\): convert it: python -c .*read_csv/],
    ["data.TSV", "prompt\tchosen\na\tb\n", /is a table in text \(TSV\).*sep='\\t'/],
    ["data.pkl", Buffer.from([0x80, 4, 0x95, 0, 0]), /is a Python pickle, which is never read/],
    ["data.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n", /is a Git LFS pointer.*git lfs pull/],
    ["data.jsonl", "\n<!DOCTYPE html><html></html>", /is a web page or XML: .*\/resolve\//],
    ["data.jsonl", Buffer.concat([Buffer.from([9, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{}}')]), /safetensors/],
    ["data.jsonl", Buffer.alloc(100), /is of no kind that is read here: it must be JSONL/],
    ["data.json", '{"data": [{"prompt": "a"}]}', /one object with its rows in the list "data".*jq -c '\.data\[\]'/],
    ["data.json", '{\n  "rows": [\n {"prompt": "a"}]\n}\n', /one object with its rows in the list "rows"/],
    ["data.json", '{\n "a": 1\n}\n{\n "a": 2\n}\n', /data\.json:1: the line is not JSON .*on several lines.*jq -c/],
    ["data.json", '[{"a": 1},\n {"a": }]', /data\.json:2:8: not JSON: expected a value/],
    ["data.json", "[{}, 5]", /data\.json: row 2 of the list is JSON, but not an object/],
    [
      "data.zst",
      zstd(lines).subarray(0, 300),
      /data\.zst cannot be unpacked \(its end is missing: the zstd file was cut/,
    ],
    ["data.parquet", Buffer.from("PAR1 and no more of it"), /its end is missing, so the file was cut/],
    ["data.jsonl", Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), /is text in UTF-32/],
    ["data.jsonl", '{"prompt": "a", "prompt": "b"}\n', /data\.jsonl:1: .*the key "prompt" is there twice/],
    ["data.jsonl", `{"prompt": ${"[".repeat(100_000)}`, /nested more than 500 deep/],
  ])("%s", async (name, content, message) => {
    expect(await refusal(pairs(await put(name, content)))).toMatch(message);
  });

  test("any bytes are rows or bad input that names the file, whatever they begin with", async () => {
    const beginnings = [
      "",
      "PAR1",
      "\x1f\x8b\x08\0",
      "\x28\xb5\x2f\xfd",
      "[",
      "{",
      '{"a":',
      "\xff\xfe",
      "\xfe\xff",
      mark,
    ];
    const ends = ["", "PAR1", "}", "]", "\n"];
    const bytes = fc
      .tuple(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...ends))
      .map(([start, middle, end]) => Buffer.concat([Buffer.from(start, "latin1"), middle, Buffer.from(end, "latin1")]));
    await fc.assert(fc.asyncProperty(bytes, isReadOrRefused), { numRuns: 500 });
  });

  test("so are files of each kind with bytes that were changed or cut", async () => {
    const files = [parquet(), gzipSync(lines), zstd(lines), Buffer.from(JSON.stringify(rows)), Buffer.from(lines)];
    const damaged = fc
      .tuple(fc.constantFrom(...files), fc.nat(), fc.nat({ max: 255 }), fc.option(fc.nat()))
      .map(([file, at, byte, end]) => {
        const copy = Buffer.from(file);
        copy[at % copy.length] = byte;
        return end === null ? copy : copy.subarray(0, end % copy.length);
      });
    await fc.assert(fc.asyncProperty(damaged, isReadOrRefused), { numRuns: 300 });
  });

  async function isReadOrRefused(content: Buffer): Promise<void> {
    const outcome: unknown = await parseDataFile("data.bin", content).catch((error: unknown) => error);
    if (Array.isArray(outcome)) return;
    expect(outcome).toBeInstanceOf(BadInputError);
    expect((outcome as Error).message).toMatch(/data\.bin/);
  }
});

describe("a folder", () => {
  const inFolder = () => pairs(join(folder.path, "data"));

  test("has data of any spelling, beside files about it", async () => {
    const half = (start: number) => rows.slice(start, start + 15);
    await put("data/A.PARQUET.json", JSON.stringify(half(0)));
    await put(
      "data/B.JSONL.ZST",
      zstd(
        half(15)
          .map((row) => JSON.stringify(row))
          .join("\n"),
      ),
    );
    for (const name of ["README.md", "LICENSE", "_SUCCESS", ".part.crc", "dataset_infos.json", "sums.sha256"])
      await put(`data/${name}`, '{"about": "the data"}');
    await put("data/notes.txt", "Nothing to read.");
    expect(groupsOf(await read(inFolder()))).toHaveLength(30);
  });

  test.each<[string, string | Buffer, RegExp]>([
    ["more.csv", "prompt,chosen\n", /data holds more\.csv, a table in text \(CSV\).*Name the files/],
    ["more.jsonl.bz2", "BZh91AY&SY", /data holds more\.jsonl\.bz2, packed with bzip2/],
    ["more.arrow", "ARROW1\0\0", /data holds more\.arrow, an Arrow/],
    ["part-00001", lines, /data holds part-00001, which looks like JSON/],
    ["part-00001", gzipSync(lines), /data holds part-00001, which looks like gzip/],
    ["old/more.jsonl", lines, /data in a folder of its own \(.*old\/more\.jsonl\), which is not read/],
    ["a/b/more.parquet", "PAR1", /data in a folder of its own \(.*a\/b\/more\.parquet\)/],
  ])("with %s beside its data is refused: nothing is left out silently", async (name, content, message) => {
    await put("data/data.jsonl", lines);
    await put(`data/${name}`, content);
    expect(await refusal(inFolder())).toMatch(message);
    expect(groupsOf(await read(pairs([join(folder.path, "data", "data.jsonl")])))).toHaveLength(30);
  });

  test("whose data is one folder further down says where", async () => {
    await put("data/train/data.parquet", parquet());
    await put("data/README.md", "x");
    expect(await refusal(inFolder())).toMatch(/data holds data in a folder of its own \(.*train\/data\.parquet\)/);
  });
});
