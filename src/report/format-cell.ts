import type { ResultCell } from "./figures/results-table.js";
import { formatInterval, formatStyled, type NumberStyle } from "./format-number.js";

/** "1.24 ± 0.05" over seeds; with one seed its mean alone. */
export function formatCell({ mean, deviation }: ResultCell, style: NumberStyle): string {
  if (deviation === null) return formatStyled(mean, style);
  const bare = (x: number) => formatStyled(x, { ...style, isShare: false });
  const scale = style.isShare ? 100 : 1;
  return `${bare(scale * mean)} \u00b1 ${bare(scale * deviation)}${style.isShare ? " %" : ""}`;
}

/** "1.14 to 1.34" with one seed; null over several, whose spread is beside the mean. */
export const formatCellInterval = ({ interval }: ResultCell, style: NumberStyle): string | null =>
  interval === null ? null : formatInterval(interval, style);

/** "1.24 \u00b1 0.05", "1.24 (1.14 to 1.34)"; a dash where there is none. */
export function cellText(cell: ResultCell | null, style: NumberStyle): string {
  if (cell === null) return "\u2013";
  const interval = formatCellInterval(cell, style);
  return formatCell(cell, style) + (interval === null ? "" : ` (${interval})`);
}

/** "0.031", "< 0.001". */
export const formatP = (p: number): string => (p < 0.001 ? "< 0.001" : p >= 0.9995 ? "1" : p.toPrecision(2));
