import type { Progress } from "../../src/ports/progress.js";

export const silent: Progress = { start: () => ({ update: () => {}, end: () => {} }), note: () => {} };
