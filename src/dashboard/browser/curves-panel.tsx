import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Curves, RunSummary } from "../api.js";
import { runPath } from "./api-client.js";
import { Chart } from "./chart.js";
import { useChartColours } from "./chart-colours.js";
import { chartGroups } from "./chart-groups.js";
import { CurveControls, curveSettings, curvesQuery, setRange } from "./curve-settings.js";
import { useFetched } from "./use-fetched.js";
import { useSlowly } from "./use-slowly.js";

/** Every metric of a run, by stage. */
export function CurvesPanel({
  run,
  params,
}: {
  readonly run: RunSummary;
  readonly params: URLSearchParams;
}): JSX.Element {
  const settings = curveSettings(params);
  const path = useSlowly(runPath(run.id, `/curves${curvesQuery(settings)}`));
  const { value, error } = useFetched<Curves>(path, useSlowly(run.revision));
  const runs = useMemo(() => (value ? [{ label: run.id, curves: value }] : []), [value, run.id]);
  if (error !== null) return <p role="alert">{error}</p>;
  if (value === null) return <p class="quiet">Reading the metrics.</p>;
  if (value.stages.length === 0) return <p class="quiet">There are no metrics yet.</p>;
  return <ChartGroups runs={runs} params={params} />;
}

/** Charts of one or several runs. */
export function ChartGroups({
  runs,
  params,
}: {
  readonly runs: readonly { readonly label: string; readonly curves: Curves }[];
  readonly params: URLSearchParams;
}): JSX.Element {
  const settings = curveSettings(params);
  const colours = useChartColours();
  const groups = useMemo(() => chartGroups(runs), [runs]);
  return (
    <>
      <CurveControls settings={settings} />
      {groups.map(({ stage, title, xName, first, last, charts }) => (
        <section key={stage} class="stage" aria-labelledby={`stage-${stage}`}>
          <h2 id={`stage-${stage}`}>
            {title}{" "}
            <span class="quiet">
              {xName === "batch" ? "batches" : "iterations"} {first} to {last}
            </span>
          </h2>
          <div class="charts">
            {charts.map((chart) => (
              <Chart
                key={chart.name}
                {...{ ...chart, colours, isLog: settings.isLog, range: settings.range, onRange: setRange }}
              />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}
