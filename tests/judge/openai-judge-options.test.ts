import { describe, expect, test } from "@jest/globals";
import { keyEnvOf, openaiJudgeOptions } from "../../src/judge/openai-judge-options.js";

const parse = (options: object) =>
  openaiJudgeOptions.safeParse({ kind: "openai", model: "m", task: "summary", ...options });
const problemsOf = (options: object): readonly string[] =>
  (parse(options).error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}`);

describe("options", () => {
  test("have the endpoint of OpenAI, its key and temperature 0 by default", () => {
    const { data } = parse({});
    expect(data).toMatchObject({ baseUrl: "https://api.openai.com/v1", temperature: 0, maxTokens: 256, reAsks: 2 });
    expect(keyEnvOf(data!)).toBe("OPENAI_API_KEY");
  });

  test("need no key on this machine, and one that is named for any other host", () => {
    expect(keyEnvOf(parse({ baseUrl: "http://localhost:8000/v1" }).data!)).toBeNull();
    expect(problemsOf({ baseUrl: "https://models.example/v1" })).toEqual([
      "keyEnv is left out: name the variable with the key of models.example, or say null",
    ]);
    expect(problemsOf({ baseUrl: "https://models.example/v1", keyEnv: null })).toEqual([]);
    expect(keyEnvOf(parse({ baseUrl: "https://models.example/v1", keyEnv: "THEIR_KEY" }).data!)).toBe("THEIR_KEY");
  });

  test.each<[object, RegExp]>([
    [{ baseUrl: "http://models.example/v1", keyEnv: null }, /^baseUrl is http: at models\.example/],
    [{ baseUrl: "https://me:s3cret@models.example/v1", keyEnv: null }, /^baseUrl has credentials in it.*keyEnv/],
    [{ baseUrl: "https://models.example/v1?key=s3cret", keyEnv: null }, /^baseUrl has a query/],
    [{ baseUrl: "models.example", keyEnv: null }, /^baseUrl is not a URL|^baseUrl begins with/],
    [{ keyEnv: "sk-s3cret" }, /^keyEnv must be the name of an environment variable/],
    [{ task: undefined }, /^task and template: give one of them/],
    [{ template: "t.txt" }, /^task and template: give one of them/],
    [{ body: { messages: [] } }, /^body has messages, which another option says/],
  ])("%j is refused, without showing a secret", (options, message) => {
    const problems = problemsOf(options);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
    expect(problems[0]).not.toContain("s3cret");
  });
});
