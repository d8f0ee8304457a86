import { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import { parseServingLine, servingAddress } from "../../src/server/serving-address.js";

test("the address is read from the line that announces it", () => {
  expect(parseServingLine('{"event": "serving", "address": "127.0.0.1:5"}')).toBe("127.0.0.1:5");
});

test.each(["", "loading", "{broken", '{"event":"stopping","address":"x"}', '{"event":"serving"}', "{}"])(
  "another line: %j",
  (line) => {
    expect(parseServingLine(line)).toBeUndefined();
  },
);

test("other lines may come before it, and a line may come in pieces", async () => {
  const stdout = Readable.from(["warming up\n", '{"event":"serv', 'ing","address":"a:1"}\n', "more\n"]);
  expect(await servingAddress(stdout)).toBe("a:1");
});
