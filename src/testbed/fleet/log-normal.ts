import { fastRandom } from "../../math/fast-random.js";

/** Draws of a log-normal distribution (Box and Muller 1958), from a seed. @param spread of the logarithm */
export const logNormal = (median: number, spread: number, seed: bigint): (() => number) => {
  const random = fastRandom(seed);
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return median * Math.exp(spread * normal);
  };
};
