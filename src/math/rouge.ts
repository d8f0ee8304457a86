import { l as rougeL, n as rougeN } from "js-rouge";
import { wordsOf } from "./words.js";

/**
 * ROUGE-1, -2 and -L of a response against a reference (Lin 2004): F1 over words, L over the longest common subsequence of
 * the two whole texts. 0 where either has no word.
 */
export function rouge(response: string, reference: string): { rouge1: number; rouge2: number; rougeL: number } {
  if (wordsOf(response).length === 0 || wordsOf(reference).length === 0) return { rouge1: 0, rouge2: 0, rougeL: 0 };
  const tokenizer = (text: string) => [...wordsOf(text)];
  return {
    rouge1: rougeN(response, reference, { n: 1, tokenizer }),
    rouge2: rougeN(response, reference, { n: 2, tokenizer }),
    rougeL: rougeL(response, reference, { tokenizer, segmenter: (text) => [text] }),
  };
}
