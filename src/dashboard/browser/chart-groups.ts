import type { Curves } from "../api.js";
import type { ChartCurve } from "./chart-data.js";

export interface ChartGroup {
  readonly stage: string;
  readonly title: string;
  readonly xName: string;
  readonly first: number;
  readonly last: number;
  readonly charts: readonly {
    readonly name: string;
    readonly title: string;
    readonly unit: string;
    readonly curves: readonly ChartCurve[];
  }[];
}

/** What matters most comes first; what runs before the policy stage comes last. */
const STAGES: readonly string[] = ["validation", "policy"];

/** A chart for each stage and metric that any of the runs has. */
export function chartGroups(
  runs: readonly { readonly label: string; readonly curves: Curves }[],
): readonly ChartGroup[] {
  const all = runs.flatMap(({ label, curves }, colour) => curves.stages.map((stage) => ({ ...stage, label, colour })));
  const place = (stage: string) => (STAGES.includes(stage) ? STAGES.indexOf(stage) : STAGES.length);
  const stages = [...new Set(all.map(({ stage }) => stage))].sort((a, b) => place(a) - place(b));
  return stages.map((stage) => {
    const members = all.filter((one) => one.stage === stage);
    const curves = members.flatMap((one) =>
      one.curves.map((curve) => ({ label: one.label, colour: one.colour, curve })),
    );
    const charts = [...new Set(curves.map(({ curve }) => curve.name))].map((name) => {
      const own = curves.filter(({ curve }) => curve.name === name);
      const { title, unit } = own[0]!.curve;
      return { name, title, unit, curves: own };
    });
    const first = members.reduce((least, one) => Math.min(least, one.first), Infinity);
    const last = members.reduce((greatest, one) => Math.max(greatest, one.last), -Infinity);
    const { title, xName } = members[0]!;
    return { stage, title, xName, first, last, charts };
  });
}
