import type { JSX } from "preact";
import type { RunSummary } from "../api.js";
import { compareAddress, go, runAddress, setParams } from "./address.js";
import { formatAgo, formatCount, formatNumber, formatTime } from "./format.js";
import { moveFocus, useKeys } from "./keyboard.js";
import { RunProgress, Sparkline, StatusBadge } from "./run-parts.js";
import { SortHeader } from "./sort-header.js";
import { RUN_COLUMNS, sortedRuns } from "./sorted-runs.js";

/** All runs: how each stands, and which are to be compared. */
export function RunsView({
  runs,
  params,
  folder,
}: {
  readonly runs: ReadonlyMap<string, RunSummary>;
  readonly params: URLSearchParams;
  readonly folder: string;
}): JSX.Element {
  const [search, order] = [params.get("search") ?? "", params.get("order") ?? "started"];
  const descending = params.has("order") ? params.has("descending") : true;
  const shown = sortedRuns(runs.values(), { search, order, descending });
  const chosen = (params.get("chosen") ?? "").split("\n").filter((id) => runs.has(id));
  const choose = (id: string) => {
    const next = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    setParams({ chosen: next.join("\n") }, { replace: true });
  };
  const canCompare = chosen.length >= 2;
  useKeys({ c: () => canCompare && go(compareAddress(chosen)) });
  const sort = (name: string, isDescending: boolean) =>
    setParams({ order: name, descending: isDescending ? 1 : null }, { replace: true });
  if (runs.size === 0) return <NoRuns folder={folder} />;
  return (
    <>
      <h1>Runs</h1>
      <div class="bar">
        <input
          type="search"
          placeholder="Search"
          aria-label="Search runs by name, method or status"
          value={search}
          onInput={(event) => setParams({ search: event.currentTarget.value }, { replace: true })}
        />
        <span class="quiet" role="status">
          {shown.length === runs.size
            ? formatCount(runs.size, "run")
            : `${shown.length} of ${formatCount(runs.size, "run")}`}
        </span>
        {canCompare ? (
          <a class="button" href={compareAddress(chosen)}>
            Compare {chosen.length} runs
          </a>
        ) : (
          <span class="quiet hint">Choose two or more to compare them</span>
        )}
      </div>
      <div class="scroll">
        <table class="list" onKeyDown={(event) => moveFocus(event, "tbody th a")}>
          <caption class="hidden">Runs, sorted by {order}</caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">Compare</span>
              </th>
              {RUN_COLUMNS.map(({ key, title, isNumber, isMinor }) => (
                <SortHeader key={key} {...{ name: key, title, isNumber, isMinor, order, descending, onSort: sort }} />
              ))}
              <th scope="col" class="minor">
                <span class="hidden">Curve of the score</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((run) => (
              <RunRow key={run.id} run={run} isChosen={chosen.includes(run.id)} onChoose={() => choose(run.id)} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class="quiet">No run matches the search.</p>}
    </>
  );
}

function RunRow({
  run,
  isChosen,
  onChoose,
}: {
  readonly run: RunSummary;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}): JSX.Element {
  const scored =
    run.scoredBy === "policy"
      ? `of the training rollouts of iteration ${run.scoredAt}; no validation yet`
      : `of the last validation, iteration ${run.scoredAt}`;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== " " || !(event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    onChoose();
  };
  return (
    <tr class={isChosen ? "chosen" : undefined} onKeyDown={onKeyDown}>
      <td>
        <input type="checkbox" checked={isChosen} onChange={onChoose} aria-label={`Compare ${run.id}`} />
      </td>
      <th scope="row">
        <a href={runAddress(run.id)}>{run.id}</a>
        {run.problems.length > 0 && <span class="problem">{run.problems[0]}</span>}
      </th>
      <td>
        <StatusBadge run={run} />
      </td>
      <td>
        <RunProgress run={run} />
      </td>
      <td class="number" title={run.score === null ? undefined : scored}>
        {formatNumber(run.score)}
      </td>
      <td class="number minor" title={run.kl === null ? undefined : scored}>
        {formatNumber(run.kl)}
      </td>
      <td class="minor short">{run.method ?? "\u2013"}</td>
      <td class="number minor">{run.seed ?? "\u2013"}</td>
      <td class="minor short">
        <time dateTime={run.startedAt ?? undefined} title={`${formatTime(run.startedAt)} UTC`}>
          {formatAgo(run.startedAt)}
        </time>
      </td>
      <td class="minor">
        <Sparkline values={run.sparkline} />
      </td>
    </tr>
  );
}

const NoRuns = ({ folder }: { readonly folder: string }): JSX.Element => (
  <>
    <h1>Runs</h1>
    <p>
      There is no run in <code>{folder}</code> yet. This page shows the first one as soon as it is there:{" "}
      <code>drpo train RECIPE</code>
    </p>
  </>
);
