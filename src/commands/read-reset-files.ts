import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeText } from "../config/text-file.js";
import { readResetPool } from "../data/read-reset-pool.js";
import type { ResetPool } from "../domain/reset-pool.js";
import type { CutFunction } from "../drpo/resets/function-cut.js";
import { loadUserFunction } from "../user-modules/load-user-module.js";
import type { RegisteredRecipe } from "./registry.js";

/** The files that a ResetSpec names, read, and their hashes: a resumed run must find the same. */
export interface ResetFiles {
  readonly pool: ResetPool | null;
  readonly cutFunction: CutFunction | null;
  /** SHA-256 (hexadecimal). */
  readonly hashes: Readonly<Record<string, string>>;
}

/** The pool and the function of a ResetSpec. @throws BadInputError: what is wrong is said before a server is started */
export async function readResetFiles({ policy, model, server }: RegisteredRecipe): Promise<ResetFiles> {
  if (policy.kind !== "online") return { pool: null, cutFunction: null, hashes: {} };
  const { source, selector } = policy.reset;
  const vocabularySize = server.kind === "local" ? await vocabularySizeOf(model.base) : null;
  const pool = source.kind === "pool" ? await readResetPool(source.path, vocabularySize) : null;
  const cut =
    selector.kind === "function"
      ? await loadUserFunction<CutFunction>({
          ...{ module: selector.module, exportName: selector.export, where: "policy.reset.selector.module" },
        })
      : null;
  return {
    pool,
    cutFunction: cut?.fn ?? null,
    hashes: { ...(pool ? { "reset pool": pool.hash } : {}), ...(cut ? { "cut function": cut.hash } : {}) },
  };
}

/** As the base's config.json says; null if it does not. */
async function vocabularySizeOf(base: string): Promise<number | null> {
  try {
    const config = JSON.parse(decodeText(await readFile(join(base, "config.json")))) as {
      readonly vocab_size?: unknown;
    };
    return typeof config.vocab_size === "number" ? config.vocab_size : null;
  } catch {
    // The server says what is wrong with a base.
    return null;
  }
}
