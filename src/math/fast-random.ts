import { Random } from "./random.js";

// Looked up once: in a context of its own, as tests run in, every look at a global is slow.
const { imul } = Math;

/**
 * Uniform on [0, 1), for those who draw millions of numbers: 32-bit words (mulberry32, Ettinger 2017) are enough there and
 * need no bigint.
 */
export function fastRandom(seed: bigint): () => number {
  let state = Math.floor(new Random(seed).next() * 2 ** 32) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = imul(state ^ (state >>> 15), state | 1);
    t ^= t + imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
