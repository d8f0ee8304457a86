import { eachByItself, type PrefixSelector } from "./prefix-selector.js";

/** A pool's row is the prefix as it is, but for what the budget leaves no room for. */
export const wholePrefix: PrefixSelector = eachByItself(({ response, longest }) => ({
  length: Math.min(response.length, longest),
}));
