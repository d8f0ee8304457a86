import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { JsonSyntaxError, parseJson } from "../../src/config/parse-json.js";

const failure = (text: string): JsonSyntaxError => {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
  throw new Error(`${text} was parsed`);
};

describe("parseJson", () => {
  test("reads what JSON.stringify writes, with any white space", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("accepts and refuses what JSON.parse does, but for repeated keys", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"b"',
      "1",
      "-0.5e3",
      "01",
      "true",
      "nul",
      " ",
      "\n",
      '"\\u12"',
      "'",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
        const text = parts.join("");
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          failure(text);
          return;
        }
        try {
          expect(parseJson(text)).toEqual(expected);
        } catch (error) {
          if (!(error instanceof JsonSyntaxError)) throw error;
          expect(error.problem).toMatch(/there twice/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{\n  "a": 1,\n}', 3, 1, /a comma before "}"/],
    ['{"a": 1\n "b": 2}', 2, 2, /expected "," or "}", found "\\""/],
    ['{"a": yes}', 1, 7, /"yes" is no value/],
    ["{'a': 1}", 1, 2, /a key in double quotes/],
    ['{"a": "x\n"}', 1, 7, /does not end on its line/],
    ['{"a": 1, "b": 2, "a": 3}', 1, 18, /the key "a" is there twice/],
    ['{"a": [1, 2', 1, 12, /found the end of the file/],
    ["{} {}", 1, 4, /expected the end of the file/],
    ["", 1, 1, /expected a value, found the end of the file/],
  ])("says where %j is wrong", (text, line, column, problem) => {
    const error = failure(text);
    expect([error.line, error.column]).toEqual([line, column]);
    expect(error.problem).toMatch(problem);
  });

  test("keeps a key called __proto__ as a key", () => {
    expect(Object.keys(parseJson('{"__proto__": 1}') as object)).toEqual(["__proto__"]);
  });
});
