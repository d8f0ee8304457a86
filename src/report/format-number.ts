import type { Metric } from "../domain/evaluation.js";

const MINUS = "\u2212";

/** Three significant digits, all of a whole part: 1234.5 -> "1235", 0.1234 -> "0.123", 0.00051 -> "5.1e−4". */
export function formatNumber(x: number): string {
  if (x === 0) return "0";
  const text = Math.abs(x) < 0.001 || Math.abs(x) >= 1e6 ? x.toExponential(2).replace(/\.?0+e/, "e") : String(round(x));
  return text.replaceAll("-", MINUS).replace("e+", "e");
}

const round = (x: number): number => Number(x.toPrecision(Math.abs(x) >= 100 ? Math.ceil(Math.log10(Math.abs(x))) : 3));

/** How the numbers of a metric are written. */
export interface NumberStyle {
  /** Shown in percent. */
  readonly isShare?: boolean;
  readonly decimals: number;
  /** A plus before positive numbers: differences. */
  readonly signed?: boolean;
}

/** "+1.22", "74.2 %". */
export function formatStyled(x: number, { isShare = false, decimals, signed = false }: NumberStyle): string {
  const shown = (isShare ? 100 * x : x).toFixed(decimals);
  // What rounds to zero has no sign.
  const isZero = Number(shown) === 0;
  const sign = isZero ? "" : x < 0 ? MINUS : signed ? "+" : "";
  return `${sign}${shown.replace("-", "")}${isShare ? " %" : ""}`;
}

/** "1.08 to 1.36". */
export function formatInterval({ low, high }: Pick<Metric, "low" | "high">, style: NumberStyle): string {
  const bound = { ...style, isShare: false };
  const scale = style.isShare ? 100 : 1;
  return `${formatStyled(scale * low, bound)} to ${formatStyled(scale * high, bound)}${style.isShare ? " %" : ""}`;
}
