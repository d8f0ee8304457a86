import { bootstrap, type BootstrapOptions, type Estimate } from "./bootstrap.js";
import { wordsOf } from "./words.js";

/**
 * distinct-n: different n-grams of words over all n-grams of all texts (Li et al. 2016, arXiv 1510.03055), with a bootstrap
 * interval over texts. Resampled texts are copies, which would repeat n-grams by themselves: so each n-gram counts
 * 1 / (how often it occurs), whose sum over all is the number of different ones, and the ratio of sums is resampled.
 * @returns null if no text has n words
 */
export function distinctNgrams(texts: readonly string[], n: number, options: BootstrapOptions): Estimate | null {
  const ngrams = texts.map((text) => ngramsOf(wordsOf(text), n));
  const occurrences = new Map<string, number>();
  for (const ngram of ngrams.flat()) occurrences.set(ngram, (occurrences.get(ngram) ?? 0) + 1);
  if (occurrences.size === 0) return null;
  const different = ngrams.map((some) => some.reduce((sum, ngram) => sum + 1 / occurrences.get(ngram)!, 0));
  return bootstrap(
    texts.length,
    (indices) => {
      let [numerator, denominator] = [0, 0];
      for (const i of indices) {
        numerator += different[i]!;
        denominator += ngrams[i]!.length;
      }
      return numerator / denominator;
    },
    options,
  );
}

const ngramsOf = (words: readonly string[], n: number): readonly string[] =>
  words.slice(0, Math.max(words.length - n + 1, 0)).map((_, i) => words.slice(i, i + n).join(" "));
