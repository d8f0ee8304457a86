import type { z } from "zod";
import { BadInputError } from "../errors.js";
import { explainUnknownKey } from "./explain-problem.js";
import { entryOf, keysOf, unwrap } from "./schema-at.js";

/** One `--set path=value`. */
export interface Setting {
  /** As it was written, for messages. */
  readonly text: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** @throws BadInputError if the text is not path=value */
export function parseSetting(text: string): Setting {
  const [, path, value] = /^([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  const keys = path?.trim().split(".") ?? [];
  if (value === undefined || keys.some((key) => key === "")) {
    throw new BadInputError(`--set ${text}: expected path=value, for example --set policy.reset.proportion=0.5`);
  }
  return { text, path: keys, value: jsonOrText(value) };
}

/** Numbers, true, lists and the like are JSON; whatever is none is a text that needs no quotes. */
export function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The recipe with one value set. A section that was left out starts from its default, so that one key of it can be set; an
 * entry of a list is a number, counted from 0.
 * @throws BadInputError naming the nearest valid key if the path is none
 */
export function applySetting(recipe: unknown, { text, path, value }: Setting, schema: z.core.$ZodType): unknown {
  const place = (current: unknown, at: z.core.$ZodType, depth: number): unknown => {
    const key = path[depth];
    if (key === undefined) return value;
    const where = path.slice(0, depth).join(".");
    if (Array.isArray(current)) {
      const entries: readonly unknown[] = current;
      const index = /^\d+$/.test(key) ? Number(key) : entries.length;
      if (index < entries.length) return entries.with(index, place(entries[index], entryOf(at), depth + 1));
      throw new BadInputError(
        `--set ${text}: ${where} is a list of ${entries.length} here, counted from 0; it has no entry ${key}`,
      );
    }
    const known = keysOf(at, current);
    if (known.size === 0) {
      throw new BadInputError(
        `--set ${text}: ${where} has no keys of its own; set it as a whole: --set ${where}=VALUE`,
      );
    }
    const inner = known.get(key);
    if (inner === undefined) throw new BadInputError(`--set ${text}: ${explainUnknownKey(key, where, at, current)}`);
    const section = isObject(current) ? current : {};
    return { ...section, [key]: place(section[key] ?? unwrap(inner).standIn, inner, depth + 1) };
  };
  return place(recipe, schema, 0);
}
