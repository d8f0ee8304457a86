import { fastRandom } from "./fast-random.js";
import { type MeanAndSpread, meanAndSpread, twoSidedP } from "./mean-and-spread.js";

/** What pairs of numbers, such as two methods under the same seeds, say of their difference. */
export interface PairedTest {
  /** a - b, pair by pair. */
  readonly difference: MeanAndSpread;
  /** Student's t of the differences and its two-sided p; null of one pair, and where the differences do not vary. */
  readonly t: number | null;
  readonly pT: number | null;
  /** Two-sided p by flipping signs: nothing is assumed but that without an effect a and b could have changed places. */
  readonly pPermutation: number;
  /** The smallest that pPermutation could be: 2 / 2^n. Three pairs can never show less than 0.25. */
  readonly smallestP: number;
}

/** Up to so many pairs every one of the 2^n assignments of signs is looked at. */
const EXACT_PAIRS = 16;

/**
 * Paired t test (Student 1908) and sign-flip permutation test of the mean difference (Fisher 1935): exact up to 16 pairs,
 * beyond that by Monte Carlo, where what was seen counts as one draw (Phipson and Smyth 2010, doi 10.2202/1544-6115.1585).
 * @param a at least one number, as many as b
 */
export function pairedTest(
  a: readonly number[],
  b: readonly number[],
  { draws = 100_000, seed = 1n }: { readonly draws?: number; readonly seed?: bigint } = {},
): PairedTest {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers cannot be paired with ${b.length}`);
  const differences = a.map((x, i) => x - b[i]!);
  const difference = meanAndSpread(differences);
  const { standardError, n } = difference;
  const t = standardError === null || standardError === 0 ? null : difference.mean / standardError;
  return {
    ...{ difference, t, pT: t === null ? null : twoSidedP(t, n - 1) },
    pPermutation: n <= EXACT_PAIRS ? exactP(differences) : monteCarloP(differences, draws, seed),
    smallestP: Math.min(2 ** (1 - n), 1),
  };
}

function exactP(differences: readonly number[]): number {
  const isAsFar = atLeastAsFar(differences);
  const assignments = 2 ** differences.length;
  let count = 0;
  for (let signs = 0; signs < assignments; signs++) {
    if (isAsFar(differences.reduce((sum, d, i) => sum + ((signs >> i) & 1 ? -d : d), 0))) count++;
  }
  return count / assignments;
}

function monteCarloP(differences: readonly number[], draws: number, seed: bigint): number {
  const isAsFar = atLeastAsFar(differences);
  const random = fastRandom(seed);
  let count = 1;
  for (let draw = 0; draw < draws; draw++) {
    if (isAsFar(differences.reduce((sum, d) => sum + (random() < 0.5 ? -d : d), 0))) count++;
  }
  return count / (draws + 1);
}

/** Whether a sum is as far from 0 as that of the differences; sums that differ by rounding alone are equal. */
function atLeastAsFar(differences: readonly number[]): (sum: number) => boolean {
  const seen = Math.abs(differences.reduce((sum, d) => sum + d, 0));
  const rounding = 1e-12 * differences.reduce((sum, d) => sum + Math.abs(d), 0);
  return (sum) => Math.abs(sum) >= seen - rounding;
}
