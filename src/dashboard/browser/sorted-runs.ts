import type { RunSummary } from "../api.js";

/** A column of the list that it can be sorted by. */
export interface RunColumn {
  readonly key: string;
  readonly title: string;
  readonly isNumber: boolean;
  /** Left out on a narrow page. */
  readonly isMinor?: boolean;
  readonly value: (run: RunSummary) => string | number | null;
}

const STATUSES: readonly string[] = ["running", "failed", "broken", "interrupted", "done"];

export const RUN_COLUMNS: readonly RunColumn[] = [
  { key: "name", title: "Run", isNumber: false, value: ({ id }) => id },
  { key: "status", title: "Status", isNumber: false, value: ({ status }) => STATUSES.indexOf(status) },
  { key: "iteration", title: "Iteration", isNumber: false, value: ({ iteration }) => iteration },
  { key: "score", title: "Score", isNumber: true, value: ({ score }) => score },
  { key: "kl", title: "KL", isNumber: true, isMinor: true, value: ({ kl }) => kl },
  { key: "method", title: "Method", isNumber: false, isMinor: true, value: ({ method }) => method },
  { key: "seed", title: "Seed", isNumber: true, isMinor: true, value: ({ seed }) => seed },
  { key: "started", title: "Started", isNumber: false, isMinor: true, value: ({ startedAt }) => startedAt },
];

/** Those whose name, method, status or recipe has every word of the search, in the order that was asked for. */
export function sortedRuns(
  runs: Iterable<RunSummary>,
  { search, order, descending }: { readonly search: string; readonly order: string; readonly descending: boolean },
): readonly RunSummary[] {
  const words = search.toLowerCase().split(/\s+/);
  const textOf = ({ id, method, status, recipe }: RunSummary) => [id, method, status, recipe].join(" ").toLowerCase();
  const found = [...runs].filter((run) => words.every((word) => textOf(run).includes(word)));
  const { value } = RUN_COLUMNS.find(({ key }) => key === order) ?? RUN_COLUMNS[0]!;
  const sign = descending ? -1 : 1;
  return found.sort((a, b) => compared(value(a), value(b), sign) || compared(a.id, b.id, 1));
}

/** Names as people count them: run2 before run10. What is not there comes last. */
function compared(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}
