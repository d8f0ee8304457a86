import { createHash } from "node:crypto";

/** An id that does not change when rows are added before it. */
export const contentId = (...parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
