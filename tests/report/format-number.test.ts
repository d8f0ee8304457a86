import { expect, test } from "@jest/globals";
import { formatInterval, formatNumber, formatStyled } from "../../src/report/format-number.js";

test.each([
  [0, "0"],
  [1, "1"],
  [0.12345, "0.123"],
  [-0.05, "−0.05"],
  [12.345, "12.3"],
  [100, "100"],
  [1234.5, "1235"],
  [0.0005, "5e−4"],
  [0.000512, "5.12e−4"],
  [-2_500_000, "−2.5e6"],
])("formatNumber(%d) is %s", (x, text) => expect(formatNumber(x)).toBe(text));

test("formatStyled writes shares in percent, differences with their sign, and no sign at zero", () => {
  expect(formatStyled(0.742, { isShare: true, decimals: 1 })).toBe("74.2 %");
  expect(formatStyled(1.219, { decimals: 2, signed: true })).toBe("+1.22");
  expect(formatStyled(-1.219, { decimals: 2 })).toBe("−1.22");
  expect(formatStyled(-0.001, { decimals: 2, signed: true })).toBe("0.00");
});

test("formatInterval writes the unit once", () => {
  const metric = { mean: 0.5, low: 0.451, high: 0.549, n: 9 };
  expect(formatInterval(metric, { isShare: true, decimals: 1 })).toBe("45.1 to 54.9 %");
  expect(formatInterval({ ...metric, low: -1, high: 2 }, { decimals: 1, signed: true })).toBe("−1.0 to +2.0");
});
