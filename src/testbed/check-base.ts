import { notFound } from "./service-error.js";

/** Every base of a testbed is called "testbed:NAME". @throws NOT_FOUND */
export const checkBase = (base: string): void => {
  if (!base.startsWith("testbed:")) throw notFound(`no base at ${base}: a testbed's are called testbed:NAME`);
};
