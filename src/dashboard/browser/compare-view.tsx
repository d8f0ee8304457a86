import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Curves, RunDetail, RunSummary } from "../api.js";
import { compareAddress, runAddress } from "./address.js";
import { get, runPath } from "./api-client.js";
import { SERIES } from "./chart-colours.js";
import { CompareTables } from "./compare-tables.js";
import { curveSettings, curvesQuery } from "./curve-settings.js";
import { ChartGroups } from "./curves-panel.js";
import { StatusBadge } from "./run-parts.js";
import { useSlowly } from "./use-slowly.js";

/** Several runs: their curves one over the other, results, and where their recipes differ. */
export function CompareView({
  runs,
  params,
}: {
  readonly runs: ReadonlyMap<string, RunSummary>;
  readonly params: URLSearchParams;
}): JSX.Element {
  const ids = [...new Set(params.getAll("run"))];
  const shown = ids.flatMap((id) => runs.get(id) ?? []);
  const revision = useSlowly(shown.map((run) => run.revision).join(" "));
  const list = JSON.stringify(shown.map(({ id }) => id));
  const details = useAll<RunDetail>(list, "", revision);
  const curves = useAll<Curves>(list, useSlowly(`/curves${curvesQuery(curveSettings(params))}`), revision);
  const charted = useMemo(
    () => curves.value?.map(({ id, value }) => ({ label: id, curves: value })) ?? null,
    [curves.value],
  );
  const without = (id: string) => compareAddress(ids.filter((one) => one !== id));
  return (
    <>
      <p class="crumbs">
        <a href="/">Runs</a>
      </p>
      <h1>Compare</h1>
      {shown.length === 0 && <p>Choose runs in the list of all runs.</p>}
      {shown.length > SERIES && <p class="note">Beyond {SERIES} runs, colours come again.</p>}
      <ul class="legend">
        {shown.map((run, i) => (
          <li key={run.id}>
            <span class={`key series-${(i % SERIES) + 1}`} aria-hidden="true" />
            <a href={runAddress(run.id)}>{run.id}</a> <StatusBadge run={run} />
            <a class="quiet remove" href={without(run.id)} aria-label={`Leave out ${run.id}`}>
              leave out
            </a>
          </li>
        ))}
      </ul>
      {(curves.error ?? details.error) !== null && <p role="alert">{curves.error ?? details.error}</p>}
      {details.value && details.value.length > 0 && <CompareTables details={details.value.map(({ value }) => value)} />}
      {charted ? (
        charted.length > 0 && <ChartGroups runs={charted} params={params} />
      ) : (
        <p class="quiet">Reading the metrics.</p>
      )}
    </>
  );
}

interface All<T> {
  readonly value: readonly { readonly id: string; readonly value: T }[] | null;
  readonly error: string | null;
}

/** Fetches the same of several runs. @param list ids as JSON */
function useAll<T>(list: string, rest: string, revision: string): All<T> {
  const [state, setState] = useState<All<T>>({ value: null, error: null });
  useEffect(() => {
    const abandoned = new AbortController();
    const ids = JSON.parse(list) as string[];
    const one = async (id: string) => ({ id, value: await get<T>(runPath(id, rest), abandoned.signal) });
    Promise.all(ids.map(one)).then(
      (value) => setState({ value, error: null }),
      (error: unknown) => {
        if (!abandoned.signal.aborted) setState({ value: null, error: (error as Error).message });
      },
    );
    return () => abandoned.abort();
  }, [list, rest, revision]);
  return state;
}
