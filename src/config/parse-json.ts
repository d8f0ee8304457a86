/** A syntax error and where it is. */
export class JsonSyntaxError extends Error {
  constructor(
    readonly problem: string,
    /** From 1. */
    readonly line: number,
    /** From 1. */
    readonly column: number,
  ) {
    super(`line ${line}, column ${column}: ${problem}`);
    this.name = "JsonSyntaxError";
  }
}

/** How the values are read that a reader of data and one of recipes read otherwise. */
export interface JsonReading {
  /** The value of a number, from its text. */
  readonly number?: (literal: string) => unknown;
  /** The words that are values. */
  readonly words?: ReadonlyMap<string, unknown>;
  /** What the text is, for messages. */
  readonly unit?: "file" | "line";
}

/** The words that are values in JSON. */
export const JSON_WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /-?[A-Za-z_]+/y;
/** Deeper ones would overflow the stack of whoever walks through them. */
const DEEPEST = 500;

/**
 * JSON, strictly: unlike JSON.parse it says where an error is (in Node 20 that one often does not), refuses a key that is
 * there twice, of which JSON.parse silently keeps the last, and can keep the digits of a number.
 * @throws JsonSyntaxError
 */
export function parseJson(
  text: string,
  { number = Number, words = JSON_WORDS, unit = "file" }: JsonReading = {},
): unknown {
  let at = 0;
  let depth = 0;

  const fail = (problem: string, position = at): never => {
    const before = text.slice(0, position).split("\n");
    throw new JsonSyntaxError(problem, before.length, before.at(-1)!.length + 1);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skipSpace = () => {
    if (text.charCodeAt(at) <= 0x20) match(SPACE);
  };
  const take = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const found = (): string => (at >= text.length ? `the end of the ${unit}` : shown(text[at]!));

  const readString = (): string => {
    let end = text.indexOf('"', at + 1);
    while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    try {
      const value = JSON.parse(text.slice(at, end === -1 ? undefined : end + 1)) as string;
      at = end + 1;
      return value;
    } catch {
      return fail("this string does not end on its line, or has a bad escape");
    }
  };

  const readMembers = (close: string, readOne: () => void): void => {
    if (take(close)) return;
    if (++depth > DEEPEST) fail(`lists and objects are nested more than ${DEEPEST} deep`);
    do {
      skipSpace();
      if (text[at] === close) fail(`a comma before "${close}"; remove it`);
      readOne();
    } while (take(","));
    if (!take(close)) fail(`expected "," or "${close}", found ${found()}`);
    depth--;
  };

  const readObject = (): Record<string, unknown> => {
    const entries = new Map<string, unknown>();
    readMembers("}", () => {
      const start = at;
      if (text[at] !== '"') fail(`expected a key in double quotes, found ${found()}`);
      const key = readString();
      if (entries.has(key)) fail(`the key "${key}" is there twice`, start);
      if (!take(":")) fail(`expected ":" after the key "${key}", found ${found()}`);
      entries.set(key, readValue());
    });
    return Object.fromEntries(entries);
  };

  const readArray = (): unknown[] => {
    const items: unknown[] = [];
    readMembers("]", () => items.push(readValue()));
    return items;
  };

  const readValue = (): unknown => {
    if (take("{")) return readObject();
    if (take("[")) return readArray();
    if (text[at] === '"') return readString();
    const literal = match(NUMBER);
    if (literal !== undefined) return number(literal);
    const start = at;
    const word = match(WORD);
    if (word === undefined) return fail(`expected a value, found ${found()}`);
    return words.has(word) ? words.get(word) : fail(`"${word}" is no value; strings stand in double quotes`, start);
  };

  const value = readValue();
  skipSpace();
  if (at < text.length) fail(`expected the end of the ${unit}, found ${found()}`);
  return value;
}

/** Whether an odd number of backslashes stands before a position. */
function isEscaped(text: string, position: number): boolean {
  let start = position;
  while (text[start - 1] === "\\") start--;
  return (position - start) % 2 === 1;
}

/** A character for messages; one that cannot be seen by its number. */
const shown = (character: string): string =>
  /[^\x20-\x7e]/.test(character) && /[\s\p{C}]/u.test(character)
    ? `the invisible character U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`
    : JSON.stringify(character);
