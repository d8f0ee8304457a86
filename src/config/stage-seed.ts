import { z } from "zod";

/** A stage can keep its own seed, so that runs which differ in the run's seed share its cached output. */
export const stageSeed = z
  .number()
  .int()
  .min(0)
  .optional()
  .describe("Seed of this stage; left out: the run's. --seed sets all.");
