import { setMaxListeners } from "node:events";

/** One signal for all sub-batches under way: more listeners than Node takes for a leak. */
export const heardByMany = (): AbortController => {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
};
