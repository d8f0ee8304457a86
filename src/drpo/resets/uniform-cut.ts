import { eachByItself, type PrefixSelector } from "./prefix-selector.js";

/**
 * Each cut as likely as the others. released: Uniform{1..len-1}, and no reset where len < 2. theory: Uniform{0..len-1}, as
 * the prompt is s_1 (Algorithm 1: h ~ Uniform{1..H}).
 */
export const uniformCut = (law: "released" | "theory"): PrefixSelector =>
  eachByItself(({ length, random }) => {
    if (law === "theory") return { length: random.integer(0, length - 1) };
    return length < 2 ? null : { length: random.integer(1, length - 1) };
  });
