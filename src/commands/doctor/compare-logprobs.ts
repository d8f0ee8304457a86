import type { Finding } from "./doctor-checks.js";
import type { LogprobProbe } from "./probe-logprobs.js";

/** Most mean difference of two servers, nats a token: what server.probeTolerance suggests for the types of their weights. */
const TOLERANCE = { exact: 0.001, narrow: 0.05 };

/** Whether two servers make the same of the same tokens. */
export function compareLogprobs(one: LogprobProbe, other: LogprobProbe): Finding {
  const name = `agreement ${one.server.address}, ${other.server.address}`;
  const differences = one.logprobs.map((logprob, i) => Math.abs(logprob - (other.logprobs[i] ?? NaN)));
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const isNarrow = [one, other].some(({ server }) => server.info.dtype.endsWith("16"));
  const tolerance = isNarrow ? TOLERANCE.narrow : TOLERANCE.exact;
  const found = `they differ by ${mean.toPrecision(2)} nats a token on average (up to ${tolerance} is fine)`;
  // NaN is no agreement either.
  if (mean <= tolerance) return { name, isOk: true, found, meanDifference: mean };
  return {
    name,
    isOk: false,
    found,
    mend: "Check that both have the same files of the base, and the type of the weights.",
  };
}
