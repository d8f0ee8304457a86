import { readFileSync } from "node:fs";

/** The float64 tensors of a safetensors file, flattened, by name. */
export function readSafetensors(path: string): ReadonlyMap<string, Float64Array> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { readonly dtype: string; readonly data_offsets: readonly [number, number] }
  >;
  const wide = Object.entries(header).filter(([, { dtype }]) => dtype === "F64");
  return new Map(
    wide.map(
      ([
        name,
        {
          data_offsets: [from, to],
        },
      ]) => {
        const { buffer } = Uint8Array.from(bytes.subarray(start + from, start + to));
        return [name, new Float64Array(buffer)];
      },
    ),
  );
}
