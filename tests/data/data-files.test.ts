import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parquetWriteBuffer } from "hyparquet-writer";
import { createDataFolder, groupsOf, read, refusal, type DataFolder } from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

const pairs = (path: string | string[]) => ({ kind: "pairs" as const, path, heldOutShare: 0.3 });

const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: from + i, prompt: `Q${from + i}`, chosen: `good – ${i}`, rejected: `bad ${i}` },
  }));

test.each(["pairs.jsonl.gz", "pairs.json", "pairs.parquet"])("%s holds what pairs.jsonl holds", async (name) => {
  const plain = await read(pairs(await folder.write("pairs.jsonl", rows(60))));
  const other = await read(pairs(await folder.write(name, rows(60))));
  expect({ ...other, hash: "" }).toEqual({ ...plain, hash: "" });
  expect(groupsOf(other)).toHaveLength(60);
});

describe("Parquet", () => {
  test("has 64-bit integers for ids and ratings", async () => {
    const rated = Array.from({ length: 40 }, (_, i) => ({
      id: BigInt(i) + 2n ** 60n,
      text: `T${i}`,
      rating: BigInt(i % 5),
    }));
    const path = await folder.write("rated.parquet", rated);
    const { train, heldOut } = await read({ kind: "rated", path, prompt: "?", heldOutShare: 0.3 });
    const responses = [...train[0]!.responses, ...heldOut[0]!.responses];
    expect(responses).toHaveLength(40);
    expect(responses).toContainEqual({ id: String(2n ** 60n + 7n), text: "T7", rating: 2 });
  });

  test("may be packed in another way than most", async () => {
    const columnData = ["id", "prompt", "chosen", "rejected"].map((name) => ({
      ...{ name, data: rows(40).map((row) => row[name as keyof typeof row]) },
    }));
    const content = parquetWriteBuffer({
      columnData,
      codec: "GZIP",
      compressors: { GZIP: (bytes) => gzipSync(bytes) },
    });
    const path = join(folder.path, "packed.parquet");
    await writeFile(path, Buffer.from(content));
    const plain = await read(pairs(await folder.write("plain.jsonl", rows(40))));
    expect(groupsOf(await read(pairs(path)))).toEqual(groupsOf(plain));
  });

  test("names a bad row by its number", async () => {
    const path = await folder.write("pairs.parquet", [...rows(3), { prompt: "P", chosen: "a", rejected: null }]);
    expect(await refusal(pairs(path))).toMatch(/pairs\.parquet: row 4: "rejected" is null/);
  });

  test("that was cut short is refused", async () => {
    const cut = await folder.write("cut.parquet", rows(9));
    await writeFile(cut, (await readFile(cut)).subarray(0, 200));
    expect(await refusal(pairs(cut))).toMatch(
      /cut\.parquet cannot be read as Parquet: its end is missing, so the file was cut/,
    );
  });
});

test("a bad row of a gzipped file is named by its line, and a file that was cut is refused", async () => {
  const path = await folder.write("pairs.jsonl.gz", [...rows(2), { prompt: "P", chosen: "a" }]);
  expect(await refusal(pairs(path))).toMatch(/pairs\.jsonl\.gz:3: the row has no "rejected"/);
  await writeFile(path, (await readFile(path)).subarray(0, 40));
  expect(await refusal(pairs(path))).toMatch(
    /pairs\.jsonl\.gz cannot be unpacked \(its end is missing.*fetch or write/,
  );
});

describe("shards", () => {
  const writeShards = async () => {
    await mkdir(join(folder.path, "shards"));
    return [
      await folder.write("shards/b-00001.parquet", rows(30, 30)),
      await folder.write("shards/a-00000.jsonl.gz", rows(30)),
      await folder.write("shards/README.md", ["not data"]),
      await folder.write("shards/.cached.jsonl", ["not data"]),
    ];
  };

  test("of a folder are one dataset, in the order of their names", async () => {
    const [second, first] = await writeShards();
    const whole = await read(pairs(await folder.write("whole.jsonl", rows(60))));
    const ofFolder = await read(pairs(join(folder.path, "shards")));
    expect(groupsOf(ofFolder).map(({ id }) => id)).toEqual(groupsOf(whole).map(({ id }) => id));
    expect(await read(pairs([first!, second!]))).toEqual(ofFolder);
    expect((await read(pairs([second!, first!]))).hash).not.toBe(ofFolder.hash);
  });

  test("keep rows on their side when a shard is added", async () => {
    const [second, first] = await writeShards();
    const before = await read(pairs(first!));
    const after = await read(pairs([second!, first!]));
    expect(after.heldOut.map(({ id }) => id)).toEqual(expect.arrayContaining(before.heldOut.map(({ id }) => id)));
    expect(after.train.map(({ id }) => id)).toEqual(expect.arrayContaining(before.train.map(({ id }) => id)));
  });

  test("with one id in two of them are refused, naming both places", async () => {
    const paths = [await folder.write("a.jsonl", rows(3)), await folder.write("b.jsonl", rows(3, 2))];
    expect(await refusal(pairs(paths))).toMatch(/b\.jsonl:1: the id "2" is that of .*a\.jsonl:3 too/);
  });

  test("that are not there, and folders without data, are refused", async () => {
    const there = await folder.write("a.jsonl", rows(3));
    expect(await refusal(pairs([there, join(folder.path, "b.jsonl")]))).toMatch(
      /b\.jsonl cannot be read: there is no such/,
    );
    await mkdir(join(folder.path, "empty"));
    expect(await refusal(pairs(join(folder.path, "empty")))).toMatch(
      /data\.path: the folder .*empty holds no data file/,
    );
  });
});
