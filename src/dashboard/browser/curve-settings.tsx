import type { JSX } from "preact";
import { setParams } from "./address.js";
import { query } from "./api-client.js";

/** How curves are looked at, as the address has it. */
export interface CurveSettings {
  readonly smoothing: number;
  readonly isLog: boolean;
  readonly range: readonly [number, number] | null;
}

export function curveSettings(params: URLSearchParams): CurveSettings {
  const [from, to] = [params.get("from"), params.get("to")];
  const smoothing = Number(params.get("smoothing") ?? 0);
  return {
    smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
    isLog: params.get("axis") === "log",
    range: from === null || to === null || !(Number(from) < Number(to)) ? null : [Number(from), Number(to)],
  };
}

/** What is asked of the server: it smooths and thins out. */
export const curvesQuery = ({ smoothing, range }: CurveSettings): string =>
  query({ smoothing: smoothing || null, from: range?.[0] ?? null, to: range?.[1] ?? null });

export const setRange = (range: readonly [number, number] | null): void =>
  setParams({ from: range?.[0] ?? null, to: range?.[1] ?? null });

/** Smoothing, axis and range. */
export function CurveControls({ settings }: { readonly settings: CurveSettings }): JSX.Element {
  const { smoothing, isLog, range } = settings;
  const takeRange = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [from, to] = [Number(form.get("from")), Number(form.get("to"))];
    if (from < to) setRange([from, to]);
  };
  return (
    <div class="bar controls">
      <label>
        Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          aria-valuetext={smoothing === 0 ? "none" : String(smoothing)}
          onInput={(event) => setParams({ smoothing: Number(event.currentTarget.value) || null }, { replace: true })}
        />
        <output>{smoothing === 0 ? "none" : smoothing.toFixed(2)}</output>
      </label>
      <label>
        <input
          type="checkbox"
          checked={isLog}
          onChange={() => setParams({ axis: isLog ? null : "log" }, { replace: true })}
        />
        Logarithmic
      </label>
      <form class="range" onSubmit={takeRange} key={String(range)}>
        <label>
          Iterations
          <input
            name="from"
            type="number"
            min="0"
            defaultValue={String(range?.[0] ?? "")}
            aria-label="From iteration"
          />
        </label>
        <span aria-hidden="true">to</span>
        <input name="to" type="number" min="1" defaultValue={String(range?.[1] ?? "")} aria-label="To iteration" />
        <button type="submit">Show</button>
        {range && (
          <button type="button" onClick={() => setRange(null)}>
            Whole run
          </button>
        )}
      </form>
    </div>
  );
}
