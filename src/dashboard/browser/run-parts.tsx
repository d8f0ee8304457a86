import type { JSX } from "preact";
import type { RunSummary } from "../api.js";

/** Status in a word, a colour and a shape: none of them alone. */
export const StatusBadge = ({ run: { status, message } }: { readonly run: RunSummary }): JSX.Element => (
  <span class={`status ${status}`} title={message ?? undefined}>
    {status}
  </span>
);

/** How far a run is. */
export function RunProgress({ run }: { readonly run: RunSummary }): JSX.Element {
  const { iteration, iterations, stage, status } = run;
  const isBefore = status === "running" && iteration === 0 && stage !== null;
  return (
    <span class="progress">
      <span>{isBefore ? stage : iterations === null ? `${iteration}` : `${iteration} / ${iterations}`}</span>
      {iterations !== null && (
        <progress max={iterations} value={Math.min(iteration, iterations)} aria-label={`Iterations of ${run.id}`} />
      )}
    </span>
  );
}

const [WIDTH, HEIGHT, PAD] = [96, 24, 2];

/** The score so far, in the size of a word. */
export function Sparkline({ values }: { readonly values: readonly number[] }): JSX.Element | null {
  if (values.length < 2) return null;
  const least = values.reduce((a, b) => Math.min(a, b));
  const greatest = values.reduce((a, b) => Math.max(a, b));
  const x = (i: number) => PAD + (i / (values.length - 1)) * (WIDTH - 2 * PAD);
  const y = (value: number) => HEIGHT - PAD - ((value - least) / (greatest - least || 1)) * (HEIGHT - 2 * PAD);
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <svg class="sparkline" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={points.join(" ")} />
      <circle cx={x(values.length - 1)} cy={y(values.at(-1)!)} r="2" />
    </svg>
  );
}

/** What is wrong with a run's files; nothing is an empty fragment. */
export const Problems = ({ problems }: { readonly problems: readonly string[] }): JSX.Element | null =>
  problems.length === 0 ? null : (
    <section class="problems" aria-label="Problems">
      <ul>
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </section>
  );
