/**
 * A number whose digits a double does not give back as they were written: 9007199254740993, 1.0, 1e400. Others are plain
 * numbers.
 */
export class WrittenNumber {
  constructor(readonly text: string) {}

  toJSON(): string {
    return this.text;
  }
}

/** @param text of a number in JSON */
export function readNumber(text: string): number | WrittenNumber {
  const value = Number(text);
  return exactNumber(value) !== null && String(value) === text ? value : new WrittenNumber(text);
}

/** A value of a row as a number; null if it is none, is not finite, or is an integer that a double cannot hold exactly. */
export function exactNumber(value: unknown): number | null {
  const number = value instanceof WrittenNumber ? Number(value.text) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return null;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? null : number;
}

/** The digits of an integer, as many as there are; null if the value is no integer, or its digits are not known. */
export function integerDigits(value: unknown): string | null {
  if (value instanceof WrittenNumber && /^-?\d+$/.test(value.text)) return value.text;
  const number = exactNumber(value);
  return number !== null && Number.isInteger(number) ? String(number) : null;
}

/** A number as it was written; null if the value is none, or is one whose digits are not known. */
export const writtenDigits = (value: unknown): string | null => {
  if (value instanceof WrittenNumber) return value.text;
  const number = exactNumber(value);
  return number === null ? null : String(number);
};
