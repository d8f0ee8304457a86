// A process of its own that holds a fleet: what is measured of the orchestrator is the orchestrator's alone.
import type { FleetAnswer, FleetReport, FleetRequest } from "./fleet-messages.js";
import type { FleetOptions } from "./fleet-options.js";
import { drawContexts, samplingParams } from "./fleet-workload.js";
import { lengthPolicy } from "./length-policy.js";
import { type Fleet, openFleet } from "./open-fleet.js";
import { prepareIteration } from "./prepare-iteration.js";
import type { FleetRecord } from "./sampling-desk.js";

let opened: { readonly fleet: Fleet; readonly options: FleetOptions } | undefined;

const answer = async (request: FleetRequest): Promise<unknown> => {
  if (request.kind === "open") {
    const fleet = await openFleet(request.options);
    opened = { fleet, options: request.options };
    return { trainer: fleet.trainer, samplers: fleet.samplers };
  }
  if (opened === undefined) throw new Error("the fleet is not open yet");
  const { fleet, options } = opened;
  if (request.kind === "report") return takeReport(fleet.record);
  const { workload } = options;
  const contexts = drawContexts(workload)(request.iteration);
  const params = samplingParams(lengthPolicy(workload.lengths).eosTokenId);
  return prepareIteration(fleet, { ...request, contexts, params });
};

const takeReport = (record: FleetRecord): FleetReport => {
  const sorted = record.latenessMs.splice(0).sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const report = {
    ...{ calls: record.calls, rows: record.rows, faults: { ...record.faults } },
    latenessMs: { median: quantile(0.5), p99: quantile(0.99) },
  };
  record.calls = record.rows = 0;
  record.faults = { refused: 0, dropped: 0, stalled: 0, death: 0 };
  return report;
};

process.on("message", (request: FleetRequest) => {
  void answer(request).then(
    (value) => process.send!({ value } satisfies FleetAnswer),
    (error: unknown) => process.send!({ error: String(error) } satisfies FleetAnswer),
  );
});
// Nobody is left to ask.
process.on("disconnect", () => process.exit(0));
