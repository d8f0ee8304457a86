import { createHash } from "node:crypto";
import { jsonOrText } from "../config/apply-settings.js";

const LONGEST_VALUE = 40;
const LONGEST_NAME = 120;

/** Fields of the recipe by their dotted path. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * What a configuration is called: each field by the last words of its path that tell it from the sweep's others, and its
 * value. "proportion=0.5-klCoef=0.05". The same for the same settings, and a name of a folder everywhere.
 * @param fields all fields of the sweep
 */
export function nameSettings(settings: Settings, fields: readonly string[]): string {
  const parts = Object.entries(settings).map(([path, value]) => `${shortPath(path, fields)}=${shownValue(value)}`);
  const name = parts.join("-");
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 13)}-${hashOf(settings)}`;
}

/** The last word of a path, or as many as no other field ends in; "kind" says nothing without the word before it. */
function shortPath(path: string, fields: readonly string[]): string {
  const words = path.split(".");
  const isClear = (count: number): boolean => {
    const ending = words.slice(-count).join(".");
    const others = fields.filter((other) => other !== path && (other === ending || other.endsWith(`.${ending}`)));
    return others.length === 0 && ending !== "kind";
  };
  const count = words.findIndex((_, i) => isClear(i + 1)) + 1;
  return words.slice(-(count || words.length)).join(".");
}

/** A value that a folder can be called by: one that cannot be shown whole brings its hash. */
function shownValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const readable = text.replaceAll(/[^\w.+-]+/g, "_").replace(/^_|_$/g, "");
  const isPlain = typeof value !== "string" || jsonOrText(value) === value;
  if (isPlain && readable === text && text.length <= LONGEST_VALUE) return text;
  return `${readable.slice(0, LONGEST_VALUE - 7)}~${hashOf(value).slice(0, 6)}`;
}

const hashOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
