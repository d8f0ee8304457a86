import type { PairOptions } from "../../config/data.js";
import { hhLayout } from "./hh.js";
import { messagesLayout } from "./messages.js";
import type { PairLayout } from "./pair-layout.js";
import { pairsLayout } from "./pairs.js";
import { summarizeFromFeedbackLayout } from "./summarize-from-feedback.js";

/** Every layout of `data.kind: "pairs"`. */
export const PAIR_LAYOUTS: Readonly<Record<Exclude<PairOptions["layout"], "auto">, PairLayout>> = {
  pairs: pairsLayout,
  messages: messagesLayout,
  hh: hhLayout,
  "summarize-from-feedback": summarizeFromFeedbackLayout,
};
