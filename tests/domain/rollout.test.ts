import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { isEnded, tokensUntilEnd, withoutEnd } from "../../src/domain/rollout.js";

const tokens = fc.array(fc.nat(12), { maxLength: 20 });
const ends = fc.uniqueArray(fc.nat(12), { minLength: 1, maxLength: 5 });

test("what is generated counts up to the first token of any kind that ends it, that included", () => {
  fc.assert(
    fc.property(tokens, ends, (generated, endTokenIds) => {
      const counted = generated.slice(0, tokensUntilEnd(generated, endTokenIds));
      expect(counted.slice(0, -1).some((token) => endTokenIds.includes(token))).toBe(false);
      if (counted.length < generated.length) expect(isEnded(counted, endTokenIds)).toBe(true);
    }),
  );
});

test("a response without its end token is the same in any order of the end tokens, and loses no other token", () => {
  fc.assert(
    fc.property(tokens, ends, (response, endTokenIds) => {
      const rest = withoutEnd(response, endTokenIds);
      expect(withoutEnd(response, [...endTokenIds].reverse())).toEqual(rest);
      const end = isEnded(response, endTokenIds) ? [response.at(-1)!] : [];
      expect([...rest, ...end]).toEqual(response);
    }),
  );
});
