import { afterEach, expect, test } from "@jest/globals";
import { rewardTemplate } from "../../src/drpo/reward-template.js";
import { connectToTestbed, EOS, type TestbedConnection } from "../rpc/testbed-connection.js";

let connection: TestbedConnection | undefined;
afterEach(() => connection?.end());

/** The row for the prompt "ab" and the response "b", by a tokenizer that begins texts with "c". */
async function row(template: string, prompt: readonly number[] = [2, 0, 1]): Promise<readonly number[]> {
  connection = await connectToTestbed({ beginTokens: "c" });
  return (await rewardTemplate(connection.server.tokenizer, template, [EOS], [2]))(prompt, [1, EOS]);
}

test("a row begins with the begin tokens, once, wherever the prompt is", async () => {
  expect(await row("{prompt}{response}")).toEqual([2, 0, 1, 1]);
  await connection!.end();
  expect(await row("b{prompt}a{response}")).toEqual([2, 1, 0, 1, 0, 1]);
  await connection!.end();
  expect(await row("{response}a")).toEqual([2, 1, 0]);
  await connection!.end();
  expect(await row("cb{response}")).toEqual([2, 1, 1]);
});

test("a prompt that has none, as a chat template may write it, goes in as it is", async () => {
  expect(await row("b{prompt}{response}", [0, 1])).toEqual([2, 1, 0, 1, 1]);
  await connection!.end();
  expect(await row("{prompt}{response}", [0, 1])).toEqual([0, 1, 1]);
});

test("special tokens of the template are tokens", async () => {
  expect(await row("{prompt}$a{response}$")).toEqual([2, 0, 1, EOS, 0, 1, EOS]);
});
