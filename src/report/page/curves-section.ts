import { type Curve, curvesChart, legend } from "../curves-chart.js";
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
  const last = groups.length === 1 ? groups[0]!.mean.at(-1)! : null;
  return curvesChart({
    ...{ title, unit, mark, hasLegend: false },
    ...(last === null ? {} : { figure: formatNumber(last.y) }),
    xName: merged > 1 ? `${xName}, means of ${merged}` : xName,
    curves: groups.flatMap(curvesOf),
  });
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
