import { expect, test } from "@jest/globals";
import { retryAfterMs } from "../../src/http/retry-after.js";

const now = Date.parse("2026-03-01T12:00:00Z");

test.each([
  ["3", 3000],
  [" 0 ", 0],
  ["Sun, 01 Mar 2026 12:00:30 GMT", 30_000],
  ["Sun, 01 Mar 2026 11:00:00 GMT", 0],
  ["soon", 0],
  ["", 0],
  ["-5", 0],
  ["999999999999", 600_000],
  [null, 0],
])("Retry-After %j asks for %i ms", (header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});
