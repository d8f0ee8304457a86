import { InvalidArgumentError } from "commander";

/** A whole number from `low` on. */
export const wholeNumber =
  (low: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`It must be a whole number, at least ${low}.`);
    }
    return value;
  };

/** A number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

/** For an option that can be given again and again. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
