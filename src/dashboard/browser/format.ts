const MINUS = "\u2212";

/** A figure in about four digits: 1.234, 12.30, 1,234, 1.2e-5; a whole number as it is. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  const size = Math.abs(value);
  const digits = size >= 1_000 || Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return signed(value, isPlain(size) ? size.toLocaleString("en", fixed(digits)) : exponential(size));
}

/** A mark of an axis: no more digits than it needs. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  return signed(value, isPlain(size) ? size.toLocaleString("en", { maximumFractionDigits: 6 }) : exponential(size));
}

const isPlain = (size: number): boolean => size === 0 || (size >= 1e-3 && size < 1e6);
const fixed = (digits: number) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });
const signed = (value: number, text: string): string => (value < 0 ? MINUS + text : text);

function exponential(size: number): string {
  const [digits, power] = size.toExponential(2).split("e");
  return `${Number(digits)}e${Number(power) < 0 ? MINUS : ""}${Math.abs(Number(power))}`;
}

/** The same with its sign. */
export const formatChange = (value: number): string => (value > 0 ? `+${formatNumber(value)}` : formatNumber(value));

export const formatCount = (value: number, unit: string): string =>
  `${value.toLocaleString("en")} ${unit}${value === 1 ? "" : "s"}`;

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "3 hours ago". @param iso ISO 8601 */
export function formatAgo(iso: string | null, now = Date.now()): string {
  if (iso === null) return "\u2013";
  const seconds = (Date.parse(iso) - now) / 1000;
  const [unit, size] = UNITS.find(([, one]) => -seconds >= one) ?? ["second", 1];
  return unit === "second" ? "just now" : RELATIVE.format(Math.round(seconds / size), unit);
}

/** "2024-05-01 12:30". */
export const formatTime = (iso: string | null): string =>
  iso === null ? "\u2013" : iso.slice(0, 16).replace("T", " ");
