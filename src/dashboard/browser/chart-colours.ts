import { useEffect, useState } from "preact/hooks";

/** Colours of canvases, which know no style sheet. */
export interface ChartColours {
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  /** One a run, told apart by people who see few colours too. */
  readonly series: readonly string[];
}

const DARK = matchMedia("(prefers-color-scheme: dark)");
export const SERIES = 8;

const read = (): ChartColours => {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    ...{ ink: colour("--ink"), quiet: colour("--quiet"), grid: colour("--grid") },
    series: Array.from({ length: SERIES }, (_, i) => colour(`--series-${i + 1}`)),
  };
};

/** The style sheet's colours, anew when the reader's setting changes. */
export function useChartColours(): ChartColours {
  const [colours, setColours] = useState(read);
  useEffect(() => {
    const listener = () => setColours(read());
    DARK.addEventListener("change", listener);
    return () => DARK.removeEventListener("change", listener);
  }, []);
  return colours;
}
