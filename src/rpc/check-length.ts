import { EnvironmentError } from "../errors.js";

/** The array itself. @throws EnvironmentError if it has not the length asked for. */
export const checkLength = <T>(values: readonly T[], expected: number, what: string, rpc: string): readonly T[] => {
  if (values.length === expected) return values;
  throw new EnvironmentError(
    `${rpc}: the server answered ${values.length} ${what} where ${expected} belong. Client and server do not fit together.`,
  );
};
