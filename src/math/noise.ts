const MASK = (1n << 64n) - 1n;
const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;

/** The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection on 64-bit words that mixes all bits. */
export function mix64(word: bigint): bigint {
  let z = word & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

/**
 * The random number of a position: the same on client and server, whatever was drawn before.
 * @param seed unsigned 64-bit
 * @returns uniform on [0, 1), a multiple of 2^-53
 */
export function uniform(seed: bigint, position: number): number {
  return Number(mix64(seed + GOLDEN_GAMMA * (BigInt(position) + 1n)) >> 11n) * 2 ** -53;
}
