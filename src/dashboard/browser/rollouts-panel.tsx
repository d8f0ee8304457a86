import type { JSX } from "preact";
import type { Overview, RolloutPage, RolloutRange, RunSummary } from "../api.js";
import { setParams } from "./address.js";
import { query, runPath } from "./api-client.js";
import { formatCount } from "./format.js";
import { useKeys } from "./keyboard.js";
import { RolloutTable } from "./rollout-table.js";
import { RolloutView } from "./rollout-view.js";
import { Problems } from "./run-parts.js";
import { useFetched } from "./use-fetched.js";
import { useSlowly } from "./use-slowly.js";

const PAGE = 50;

/** The rollouts of an iteration, and the one that is open. */
export function RolloutsPanel({
  run,
  params,
  overview,
  range,
}: {
  readonly run: RunSummary;
  readonly params: URLSearchParams;
  readonly overview: Overview;
  readonly range: RolloutRange | null;
}): JSX.Element {
  const iteration = params.has("iteration") ? Number(params.get("iteration")) : (range?.last ?? null);
  const order = params.get("order") ?? "row";
  const offset = Math.max(Number(params.get("offset") ?? 0) || 0, 0);
  const search = params.get("search") ?? "";
  const descending = params.has("descending");
  const asked = query({ iteration, order, descending, search: search || null, offset, limit: PAGE });
  const path = useSlowly(iteration === null ? null : runPath(run.id, `/rollouts${asked}`), 150);
  const { value: page, error, isLoading } = useFetched<RolloutPage>(path);
  const turn = (to: number | null = null) => to !== null && showIteration(to);
  useKeys({ ArrowLeft: () => turn(page?.previous), ArrowRight: () => turn(page?.next) });
  if (range === null || iteration === null) return <p class="quiet">There are no rollouts yet.</p>;
  const open = params.get("open");
  return (
    <div class={open === null ? "rollouts" : "rollouts with-open"}>
      <section class="rollout-list" aria-label="Rollouts of the iteration">
        <IterationPicker {...{ iteration, range, page }} />
        <div class="bar">
          <input
            type="search"
            placeholder="Search"
            aria-label="Search the responses of this iteration"
            value={search}
            onInput={(event) => setParams({ search: event.currentTarget.value, offset: null }, { replace: true })}
          />
          <span class="quiet" role="status">
            {page === null
              ? ""
              : page.matching === page.total
                ? formatCount(page.total, "rollout")
                : `${page.matching} of ${formatCount(page.total, "rollout")}`}
          </span>
        </div>
        {error !== null && <p role="alert">{error}</p>}
        {page !== null && (
          <>
            <Problems problems={page.problems} />
            <RolloutTable {...{ page, order, descending, open, isLoading }} />
            <Pager matching={page.matching} offset={page.offset} />
          </>
        )}
      </section>
      {open !== null && <RolloutView {...{ run, iteration, open, params, overview }} />}
    </div>
  );
}

/** What is open belongs to one iteration. */
const showIteration = (iteration: number, options: { readonly replace?: boolean } = {}): void =>
  setParams({ iteration, open: null, cut: null, offset: null }, options);

function IterationPicker({
  iteration,
  range,
  page,
}: {
  readonly iteration: number;
  readonly range: RolloutRange;
  readonly page: RolloutPage | null;
}): JSX.Element {
  const step = (name: string, to: number | null = null, arrow: string) => (
    <button type="button" aria-label={name} disabled={to === null} onClick={() => showIteration(to!)}>
      {arrow}
    </button>
  );
  return (
    <div class="bar iteration">
      {step("Iteration before", page?.previous, "\u2190")}
      <label>
        Iteration
        <input
          type="number"
          min={range.first}
          max={range.last}
          value={iteration}
          onChange={(event) => showIteration(Number(event.currentTarget.value))}
        />
      </label>
      {step("Iteration after", page?.next, "\u2192")}
      <input
        type="range"
        class="slider"
        aria-label="Iteration"
        min={range.first}
        max={range.last}
        value={iteration}
        onInput={(event) => showIteration(Number(event.currentTarget.value), { replace: true })}
      />
      <span class="quiet">
        {range.first} to {range.last}
      </span>
    </div>
  );
}

function Pager({ matching, offset }: { readonly matching: number; readonly offset: number }): JSX.Element | null {
  if (matching <= PAGE && offset === 0) return null;
  const to = (next: number) => () => setParams({ offset: next || null });
  return (
    <nav class="bar" aria-label="Pages of rollouts">
      <button type="button" disabled={offset === 0} onClick={to(Math.max(offset - PAGE, 0))}>
        Before
      </button>
      <span class="quiet">
        {offset + 1} to {Math.min(offset + PAGE, matching)} of {matching.toLocaleString("en")}
      </span>
      <button type="button" disabled={offset + PAGE >= matching} onClick={to(offset + PAGE)}>
        After
      </button>
    </nav>
  );
}
