import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createJiti } from "jiti";
import { BadInputError } from "../errors.js";

/** Nothing is written beside the user's files, and a module that is loaded twice is one module. */
const jiti = createJiti(import.meta.url, { fsCache: false });

/**
 * Loads a function from a user's TypeScript or JavaScript module (.ts, .mts, .js, .mjs). Its types are not checked.
 * @param request.module absolute
 * @param request.where place in the recipe, for messages: "reward"
 * @returns the function, and the SHA-256 (hexadecimal) of the module's file, which does not cover what it imports
 * @throws BadInputError if there is no such file, it does not load, or it does not export a function under that name
 */
export async function loadUserFunction<T extends (...args: never[]) => unknown>({
  module,
  exportName = "default",
  where,
}: {
  readonly module: string;
  readonly exportName?: string;
  readonly where: string;
}): Promise<{ readonly fn: T; readonly hash: string }> {
  const hash = await hashOf(module, where);
  const exported = await load(module, where);
  const fn = exported[exportName];
  if (typeof fn === "function") return { fn: fn as T, hash };
  const names = Object.keys(exported);
  throw new BadInputError(
    exportName in exported
      ? `${where}: ${exportName} of ${module} is ${fn === null ? "null" : `of type ${typeof fn}`}; it must be a function.`
      : `${where}: ${module} exports no ${exportName}; it exports ${names.length === 0 ? "nothing" : names.join(", ")}. ` +
          `Name the one to take as its export.`,
  );
}

async function hashOf(module: string, where: string): Promise<string> {
  try {
    return createHash("sha256")
      .update(await readFile(module))
      .digest("hex");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is nothing at" : `${code} on reading`;
    throw new BadInputError(`${where}: ${what} ${module}; it must be a TypeScript or JavaScript module.`, { cause });
  }
}

async function load(module: string, where: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await jiti.import<Record<string, unknown>>(module);
  } catch (cause) {
    // What a user's code throws need not be an Error.
    const why = (cause as Partial<Error> | null)?.message ?? String(cause);
    throw new BadInputError(`${where}: ${module} cannot be loaded: ${why}`, { cause });
  }
}
