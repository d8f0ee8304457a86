import type { Prompt } from "../domain/preference-dataset.js";

/** What decides the side of a row without an id: everything that answers one prompt is on one side. */
export const promptKey = (prompt: Prompt): string => (typeof prompt === "string" ? prompt : JSON.stringify(prompt));
