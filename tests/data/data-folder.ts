import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "@jest/globals";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { z } from "zod";
import { dataSchema } from "../../src/config/data.js";
import { readPreferenceDataset } from "../../src/data/read-preference-dataset.js";
import type { PreferenceDataset, PreferenceGroup, RatedResponse } from "../../src/domain/preference-dataset.js";
import { BadInputError } from "../../src/errors.js";

export type Row = Readonly<Record<string, unknown>>;

/** The data section as a recipe has it, its paths absolute. */
export type WrittenData = z.input<typeof dataSchema>;

/** A folder of data files of one test. */
export interface DataFolder {
  readonly path: string;
  /** Writes rows in the format that the name says. @returns the file's path */
  write(name: string, rows: readonly unknown[]): Promise<string>;
  remove(): Promise<void>;
}

export async function createDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), "drpo-data-"));
  return {
    path,
    async write(name, rows) {
      const file = join(path, name);
      await writeFile(file, name.endsWith(".parquet") ? asParquet(rows as readonly Row[]) : asJsonLines(name, rows));
      return file;
    },
    remove: () => rm(path, { recursive: true }),
  };
}

function asJsonLines(name: string, rows: readonly unknown[]): string | Buffer {
  const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
  return name.endsWith(".gz") ? gzipSync(text) : text;
}

/** Every field of any row becomes a column, null where a row lacks it. */
function asParquet(rows: readonly Row[]): Buffer {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columnData = names.map((name) => ({ name, data: rows.map((row) => row[name] ?? null) }));
  return Buffer.from(parquetWriteBuffer({ columnData }));
}

/** Reads a data section with its defaults. */
export const readWithPlaces = (data: WrittenData): Promise<PreferenceDataset> =>
  readPreferenceDataset(dataSchema.parse(data));

/** The same without the rows that everything stands in, so that datasets of different files can be compared. */
export async function read(data: WrittenData): Promise<PreferenceDataset> {
  const { train, heldOut, ...dataset } = await readWithPlaces(data);
  return { ...dataset, train: train.map(withoutPlaces), heldOut: heldOut.map(withoutPlaces) };
}

const withoutPlaces = ({ where: _, responses, reference, ...group }: PreferenceGroup): PreferenceGroup => ({
  ...group,
  responses: responses.map(withoutPlace),
  reference: reference && withoutPlace(reference),
});

const withoutPlace = ({ where: _, ...response }: RatedResponse): RatedResponse => response;

/** Both sides of the split. */
export const groupsOf = ({ train, heldOut }: PreferenceDataset): readonly PreferenceGroup[] => [...train, ...heldOut];

/** The message with which reading is refused. */
export async function refusal(data: WrittenData): Promise<string> {
  const error: unknown = await read(data).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BadInputError);
  return (error as Error).message;
}
