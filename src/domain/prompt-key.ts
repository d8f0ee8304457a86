import type { Prompt } from "./preference-dataset.js";

/** Equal for equal prompts, to the last space: what tells whether two rows answer the same one. */
export const promptKey = (prompt: Prompt): string => (typeof prompt === "string" ? prompt : JSON.stringify(prompt));
