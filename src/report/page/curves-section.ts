import { type Curve, curvesChart, type CurvePoint, legend } from "../curves-chart.js";
import type { GroupCurve, MetricCurves, StageCurves } from "../figures/learning-curves.js";
import { formatNumber } from "../format-number.js";
import { html, type Html } from "../html.js";
import { metricLabel } from "../metric-labels.js";
import type { GroupFacts } from "../report.js";
import { stageLabel } from "../stage-labels.js";

export interface LearningCurves {
  readonly curves: readonly StageCurves[];
  readonly groups: readonly GroupFacts[];
  /** Marked in the policy stage's curves: of a single run; null of several, or before its first validation. */
  readonly bestIteration: number | null;
}

/** A chart for every metric of every stage, whatever they are called; groups overlaid. */
export function curvesSection({ curves, groups, bestIteration }: LearningCurves): Html {
  const isCompared = groups.length > 1;
  const hasSeeds = groups.some(({ seeds }) => seeds.length > 1);
  return html`<section id="curves">
    <h2>Learning curves</h2>
    ${hasSeeds ? html`<p class="note">Thin lines are seeds, the line of a group is their mean.</p>` : null}
    ${isCompared ? legend(groups) : null} ${curves.map((stage) => stageCurves(stage, bestIteration))}
    ${reusedNote(curves.map(({ stage }) => stage))}
  </section>`;
}

function stageCurves({ stage, metrics }: StageCurves, bestIteration: number | null): Html {
  const { title, note, xName, isPolicyTime } = stageLabel(stage);
  const mark = isPolicyTime && bestIteration !== null ? { x: bestIteration, label: "best" } : null;
  return html`<h3 class="stage">${title}</h3>
    ${note === "" ? null : html`<p class="note">${note}</p>`}
    <div class="charts">${metrics.map((metric) => metricChart(stage, metric, { xName, mark }))}</div>`;
}

interface StageAxis {
  readonly xName: string;
  readonly mark: { readonly x: number; readonly label: string } | null;
}

function metricChart(stage: string, { name, groups, merged }: MetricCurves, { xName, mark }: StageAxis): Html {
  const { title, unit } = metricLabel(stage, name);
  const figure = groups.length === 1 ? headFigure(stage, groups[0]!.mean, mark) : null;
  return curvesChart({
    ...{ title, unit, mark, hasLegend: false },
    ...(figure === null ? {} : { figure }),
    xName: merged > 1 ? `${xName}, means of ${merged}` : xName,
    curves: groups.flatMap(curvesOf),
  });
}

/** Beside the title: of a validation the checkpoint that is marked, elsewhere the curve's end. */
function headFigure(stage: string, points: readonly CurvePoint[], mark: StageAxis["mark"]): string {
  const best = stage === "validation" ? points.find(({ x }) => x === mark?.x) : undefined;
  return best ? `${formatNumber(best.y)} (best)` : `${formatNumber(points.at(-1)!.y)} (last)`;
}

const curvesOf = ({ group: label, colour, mean, seeds }: GroupCurve): readonly Curve[] => [
  ...(seeds.length > 1 ? seeds.map(({ points }) => ({ label, colour, points, isThin: true })) : []),
  { label, colour, points: mean },
];

/** Stages whose output came from the cache leave no lines. */
function reusedNote(found: readonly string[]): Html | null {
  const missing = ["reward", "sft"]
    .filter((stage) => !found.includes(stage))
    .map((stage) => stageLabel(stage).title.toLowerCase());
  if (missing.length === 0 || !found.includes("policy")) return null;
  return html`<p class="note">
    No curves of ${missing.join(" and ")}: no run here trained it, or each reused it from the cache.
  </p>`;
}
