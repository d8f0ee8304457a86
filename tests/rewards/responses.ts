import type { ScorableResponse } from "../../src/ports/reward-function.js";

/** A response of which a test says only what it is about. */
export const response = (responseText: string, changes: Partial<ScorableResponse> = {}): ScorableResponse => ({
  ...{ promptText: "Q", prompt: [0], response: [1], ended: true, sourceId: null, responseText },
  ...changes,
});
