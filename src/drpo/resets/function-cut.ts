import { BadInputError } from "../../errors.js";
import type { CutRequest, PrefixSelector } from "./prefix-selector.js";

/** What a user's function is given: the request, with its random numbers as a function. */
export type CutFunctionRequest = Omit<CutRequest, "random"> & {
  /** Uniform on [0, 1), the row's own: use it instead of Math.random, or a run cannot be repeated. */
  readonly random: () => number;
};

/**
 * A user's function from a module: how many tokens of the response the policy is given, 0..len-1; null for no reset.
 *
 *     export default ({ length, random }) => Math.floor(length * random() ** 2);
 */
export type CutFunction = (request: CutFunctionRequest) => number | null | Promise<number | null>;

/** @param where names the function in errors. @throws BadInputError if it answers something that is no cut */
export const functionCut = (cut: CutFunction, where: string): PrefixSelector => ({
  cut: (requests) =>
    Promise.all(
      requests.map(async (request) => {
        const length = await cut({ ...request, random: () => request.random.next() });
        if (length === null) return null;
        if (Number.isInteger(length) && length >= 0 && length < request.length) return { length };
        throw new BadInputError(
          `${where} answered ${String(length)} for a response of ${request.length} tokens (row ${request.row} of iteration ` +
            `${request.iteration + 1}): it must answer a whole number from 0 to ${request.length - 1}, or null.`,
        );
      }),
    ),
});
