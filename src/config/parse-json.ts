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

const LITERALS = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// A control character must be escaped in a JSON string.
// eslint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const WORD = /[A-Za-z_]+/y;

/**
 * JSON, strictly: unlike JSON.parse it says where an error is (in Node 20 that one often does not), and refuses a key
 * that is there twice, of which JSON.parse silently keeps the last.
 * @throws JsonSyntaxError
 */
export function parseJson(text: string): unknown {
  let at = 0;

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
  const skipSpace = () => match(/[ \t\r\n]*/y);
  const take = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const found = (): string => (at >= text.length ? "the end of the file" : JSON.stringify(text[at]));

  const readString = (): string => {
    const literal = match(STRING);
    return literal === undefined
      ? fail("this string does not end on its line, or has a bad escape")
      : (JSON.parse(literal) as string);
  };

  const readMembers = (close: string, readOne: () => void): void => {
    if (take(close)) return;
    do {
      skipSpace();
      if (text[at] === close) fail(`a comma before "${close}"; remove it`);
      readOne();
    } while (take(","));
    if (!take(close)) fail(`expected "," or "${close}", found ${found()}`);
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
    const number = match(NUMBER);
    if (number !== undefined) return Number(number);
    const start = at;
    const word = match(WORD);
    if (word === undefined) return fail(`expected a value, found ${found()}`);
    return LITERALS.has(word)
      ? LITERALS.get(word)
      : fail(`"${word}" is no value; strings stand in double quotes`, start);
  };

  const value = readValue();
  skipSpace();
  if (at < text.length) fail(`expected the end of the file, found ${found()}`);
  return value;
}
