import type { MetricsLine } from "../ports/run-directory.js";
import { html, type Html } from "./html.js";
import { lineChart, type ChartPoint } from "./line-chart.js";
import { inReadingOrder, metricLabel } from "./metric-labels.js";

interface StageCurves {
  readonly title: string;
  readonly note: string;
  readonly xName: string;
  /** The iterations of the policy stage. */
  readonly isPolicyTime: boolean;
}

const STAGES: Readonly<Record<string, StageCurves>> = {
  validation: {
    title: "Validation",
    note: "Short evaluations during training: sampled from the prompt, always under the same noise. The best objective names the checkpoint that is reported.",
    xName: "iteration",
    isPolicyTime: true,
  },
  policy: {
    title: "Policy training",
    note: "Each iteration's own rollouts. Those that start from a reset begin inside a response that people rated, so that their scores and lengths are not those of the policy alone: see the validation for these.",
    xName: "iteration",
    isPolicyTime: true,
  },
  reward: { title: "Reward model", note: "Each batch before its optimiser step.", xName: "batch", isPolicyTime: false },
  sft: {
    title: "Supervised fine-tuning",
    note: "Each batch before its optimiser step.",
    xName: "batch",
    isPolicyTime: false,
  },
};

/**
 * A curve for every metric of every stage, whatever they are called.
 * @param bestIteration marked in the policy stage's curves; null before the first validation
 */
export function curvesSection(lines: readonly MetricsLine[], bestIteration: number | null): Html | null {
  const known = Object.keys(STAGES);
  const found = [...new Set(lines.map(({ stage }) => stage))];
  const stages = [
    ...known.filter((stage) => found.includes(stage)),
    ...found.filter((stage) => !known.includes(stage)),
  ];
  if (stages.length === 0) return null;
  return html`<section>
    <h2>Learning curves</h2>
    ${stages.map((stage) => stageCurves(stage, lines, bestIteration))} ${reusedNote(found)}
  </section>`;
}

function stageCurves(stage: string, lines: readonly MetricsLine[], bestIteration: number | null): Html {
  const { title, note, xName, isPolicyTime } = STAGES[stage] ?? {
    ...{ title: metricLabel("", stage).title, note: "", xName: "iteration", isPolicyTime: false },
  };
  const own = lines.filter((line) => line.stage === stage);
  const names = inReadingOrder([...new Set(own.flatMap(({ metrics }) => Object.keys(metrics)))]);
  const mark = isPolicyTime && bestIteration !== null ? { x: bestIteration, label: "best" } : null;
  return html`<h3 class="stage">${title}</h3>
    ${note === "" ? null : html`<p class="note">${note}</p>`}
    <div class="charts">
      ${names.map((name) => lineChart({ ...metricLabel(stage, name), xName, points: pointsOf(own, name), mark }))}
    </div>`;
}

const pointsOf = (lines: readonly MetricsLine[], name: string): readonly ChartPoint[] =>
  lines.flatMap(({ iteration, metrics }) => {
    const y = metrics[name];
    return y === undefined ? [] : [{ x: iteration, y }];
  });

/** Stages whose output came from the cache leave no lines. */
function reusedNote(found: readonly string[]): Html | null {
  const missing = ["reward", "sft"]
    .filter((stage) => !found.includes(stage))
    .map((stage) => STAGES[stage]!.title.toLowerCase());
  if (missing.length === 0 || !found.includes("policy")) return null;
  return html`<p class="note">
    No curves of ${missing.join(" and ")}: this run did not train it, or reused it from the cache.
  </p>`;
}
