import { readFileSync } from "node:fs";

/** The float tensors of a safetensors file, flattened, by name. */
export function readSafetensors(path: string): ReadonlyMap<string, Float64Array> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { readonly dtype: string; readonly data_offsets: readonly [number, number] }
  >;
  const floats = Object.entries(header).filter(([, { dtype }]) => dtype === "F64" || dtype === "F32");
  return new Map(
    floats.map(([name, { dtype, data_offsets }]) => {
      const [from, to] = data_offsets;
      const { buffer } = Uint8Array.from(bytes.subarray(start + from, start + to));
      return [name, dtype === "F64" ? new Float64Array(buffer) : Float64Array.from(new Float32Array(buffer))];
    }),
  );
}
