import type { PreferenceGroup } from "../../domain/preference-dataset.js";
import { nameInUse, type DataRow } from "../data-row.js";
import type { Layout } from "./layout.js";

/** What a row of preferences says. */
export interface Comparison extends Pick<PreferenceGroup, "prompt" | "promptParts"> {
  readonly preferred: string;
  readonly rejected: string;
  /** Of the judgement, where the layout has one; else the row's "id", or a hash of the texts. */
  readonly id?: string;
  /** Of what the responses answer, where the layout has one: decides the side of the split. */
  readonly promptId?: string;
}

export type PairLayout = Layout<Comparison>;

/** "chosen" is what many published datasets call it. */
export const PREFERRED_NAMES = ["preferred", "chosen"];

/** The field with the preferred response. @throws BadInputError */
export const preferredName = (row: DataRow): string => nameInUse(row, PREFERRED_NAMES);
