/** Kinds of files that hold rows, or another file. */
export type DataKind = "json" | "parquet" | "gzip" | "zstd" | "utf-16le" | "utf-16be";

/** A kind of file that is not read. */
export interface OtherKind {
  /** "a CSV file". */
  readonly what: string;
  /** What to do, a sentence without its full stop. */
  readonly advice: string;
  /** Whether it may hold rows, so that one in a folder of data should not be passed over. */
  readonly holdsData: boolean;
}

const asJsonLines = (read: string): string =>
  `convert it: python -c "import pandas as pd; ${read}.to_json('data.jsonl', orient='records', lines=True)"`;

const unpack = (command: string): string => `unpack it with ${command}, and name what comes out`;

/** Beginnings of files; a text is Latin-1. */
const BEGINNINGS: readonly { readonly bytes: string; readonly at?: number; readonly kind: DataKind | OtherKind }[] = [
  { bytes: "PAR1", kind: "parquet" },
  { bytes: "\x1f\x8b", kind: "gzip" },
  { bytes: "\x28\xb5\x2f\xfd", kind: "zstd" },
  other("PARE", "an encrypted Parquet file", "write it without encryption"),
  other("BZh", "packed with bzip2", unpack("bunzip2")),
  other("\xfd7zXZ\x00", "packed with xz", unpack("unxz")),
  other("\x04\x22\x4d\x18", "packed with lz4", unpack("unlz4")),
  other("\xff\x06\x00\x00sNaPpY", "packed with Snappy", unpack("snzip -d")),
  other("LZIP", "packed with lzip", unpack("lzip -d")),
  other("\x1f\x9d", "packed with compress", unpack("uncompress")),
  other("PK\x03\x04", "a zip archive (or of a kind that is one, such as .xlsx, .npz or .pt)", unpack("unzip")),
  other("7z\xbc\xaf\x27\x1c", "a 7z archive", unpack("7z x")),
  other("Rar!", "a RAR archive", unpack("unrar x")),
  other("ustar", "a tar archive", unpack("tar xf"), { at: 257 }),
  other("ARROW1", "an Arrow (Feather) file", asJsonLines("pd.read_feather('FILE')")),
  other("FEA1", "a Feather file", asJsonLines("pd.read_feather('FILE')")),
  other(
    "\xff\xff\xff\xff",
    "an Arrow stream, as datasets.save_to_disk writes",
    "convert it: python -c \"import datasets; datasets.Dataset.from_file('FILE').to_parquet('data.parquet')\"",
  ),
  other("Obj\x01", "an Avro file", "write its rows as JSONL or Parquet"),
  other("ORC", "an ORC file", asJsonLines("pd.read_orc('FILE')")),
  other("\x89HDF\r\n", "an HDF5 file", "write its rows as JSONL or Parquet"),
  other("\x93NUMPY", "a NumPy array", "write its rows as JSONL or Parquet"),
  other("SQLite format 3\x00", "an SQLite database", "write its rows as JSONL or Parquet"),
  ...["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"].map((bytes) =>
    other(bytes, "a Python pickle, which is never read, as it could run code", "write its rows as JSONL or Parquet"),
  ),
  other("GGUF", "a model in GGUF", "name the data", { holdsData: false }),
  other("%PDF", "a PDF", "name the data", { holdsData: false }),
  other(
    "version https://git-lfs",
    "a Git LFS pointer, which stands for a file that was not fetched",
    "run git lfs pull in its repository, or fetch the file itself",
  ),
  { bytes: "\xff\xfe", kind: "utf-16le" },
  { bytes: "\xfe\xff", kind: "utf-16be" },
];

function other(
  bytes: string,
  what: string,
  advice: string,
  { at = 0, holdsData = true }: { readonly at?: number; readonly holdsData?: boolean } = {},
) {
  return { bytes, at, kind: { what, advice, holdsData } };
}

/** How much of a file tells its kind. */
export const HEAD_BYTES = 4096;

/**
 * What a file is, by its first bytes; by its name only where it is a table in text whose first line names no columns.
 * @param head the first HEAD_BYTES, or all there are
 */
export function kindOfFile(path: string, head: Uint8Array): DataKind | OtherKind {
  const latin1 = Buffer.from(head.subarray(0, HEAD_BYTES)).toString("latin1");
  if (/^\xff\xfe\0\0|^\0\0\xfe\xff/.test(latin1)) return notRead("text in UTF-32", "convert it with iconv -t UTF-8");
  const known = BEGINNINGS.find(({ bytes, at = 0 }) => latin1.startsWith(bytes, at));
  if (known) return known.kind;
  // A zstd file may begin with frames that are skipped.
  if (/^[P-_]/.test(latin1) && latin1.startsWith("\x2a\x4d\x18", 1)) return "zstd";
  if (/^[\s\S]{8}\{"/.test(latin1) && latin1.includes("\0")) {
    return { what: "a safetensors file: weights", advice: "name the data", holdsData: false };
  }
  // What is written in ASCII has every other byte empty in UTF-16.
  if (/^[\t\n\r\x20-\x7e]\0[\t\n\r\x20-\x7e]\0/.test(latin1)) return "utf-16le";
  if (/^\0[\t\n\r\x20-\x7e]\0[\t\n\r\x20-\x7e]/.test(latin1)) return "utf-16be";
  if (latin1.includes("\0")) return notRead("of no kind that is read here", "it must be JSONL, a JSON list or Parquet");
  return kindOfText(path, latin1);
}

const notRead = (what: string, advice: string): OtherKind => ({ what, advice, holdsData: true });

function kindOfText(path: string, latin1: string): DataKind | OtherKind {
  const start = latin1.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^[[{]/.test(start)) return "json";
  if (start.startsWith("<")) {
    const advice = "fetch the file itself (on Hugging Face its address has /resolve/ instead of /blob/)";
    return { what: "a web page or XML", advice, holdsData: true };
  }
  const table = TABLE_NAME.exec(path)?.[1]?.toUpperCase() ?? tableOf(start.split(/\r?\n/, 1)[0]!);
  if (table !== null && start !== "") {
    const separator = table === "TSV" ? ", sep='\\t'" : "";
    return notRead(`a table in text (${table})`, asJsonLines(`pd.read_csv('FILE'${separator})`));
  }
  return "json";
}

const TABLE_NAME = /\.(csv|tsv)(?:\.|$)/i;
const COLUMN_NAME = /^"?[A-Za-z_][\w .-]*"?$/;

/** What a first line that names columns begins; null: it is no such line. */
function tableOf(line: string): "CSV" | "TSV" | null {
  const isHeader = (separator: string): boolean => {
    const columns = line.split(separator);
    return columns.length > 1 && columns.every((name) => COLUMN_NAME.test(name));
  };
  if (isHeader("\t")) return "TSV";
  return isHeader(",") ? "CSV" : null;
}
