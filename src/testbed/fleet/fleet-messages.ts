import type { CheckpointRef, ModelHandle } from "../../domain/model.js";
import type { FaultKind } from "./call-faults.js";
import type { FleetOptions } from "./fleet-options.js";

/** What the process of a fleet is asked, each answered in turn. */
export type FleetRequest =
  | { readonly kind: "open"; readonly options: FleetOptions }
  | {
      readonly kind: "prepare";
      readonly iteration: number;
      readonly model: ModelHandle;
      readonly checkpoint: CheckpointRef;
    }
  | { readonly kind: "report" };

export interface FleetAddresses {
  readonly trainer: string;
  readonly samplers: readonly string[];
}

/** Since the last report. */
export interface FleetReport {
  readonly calls: number;
  /** Rows that endpoints computed, those of failed calls included. */
  readonly rows: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** How late the simulation was, simulated ms: the median row, and one in a hundred. */
  readonly latenessMs: { readonly median: number; readonly p99: number };
}

export type FleetAnswer =
  { readonly value: unknown; readonly error?: undefined } | { readonly value?: undefined; readonly error: string };
