import type { Progress } from "../ports/progress.js";
import type { CurvesChart } from "../report/curves-chart.js";

/** What a study may use of the process that runs it. */
export interface StudyContext {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** What was claimed, and whether the figures bear it out. */
export interface Finding {
  readonly claim: string;
  readonly holds: boolean;
}

export interface StudyTable {
  readonly caption: string;
  readonly columns: readonly string[];
  /** [rows][columns] */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What a study found: everything that is shown of it, and its figures as one JSON document. */
export interface StudyResult {
  readonly title: string;
  /** What was done, in a few sentences. */
  readonly description: string;
  readonly findings: readonly Finding[];
  readonly tables: readonly StudyTable[];
  readonly charts: readonly CurvesChart[];
  /** Sizes, seeds, and every number behind tables and charts. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** 1 .. count: the seeds of a study. */
export const seedsUpTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
