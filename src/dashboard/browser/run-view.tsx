import type { JSX } from "preact";
import type { Overview, RunDetail, RunSummary } from "../api.js";
import { runAddress } from "./address.js";
import { runPath } from "./api-client.js";
import { CurvesPanel } from "./curves-panel.js";
import { EvaluationTable } from "./evaluation-table.js";
import { formatNumber, formatTime } from "./format.js";
import { RolloutsPanel } from "./rollouts-panel.js";
import { Problems, RunProgress, StatusBadge } from "./run-parts.js";
import { SettingsTable } from "./settings-table.js";
import { useFetched } from "./use-fetched.js";
import { useSlowly } from "./use-slowly.js";

const TABS = ["curves", "rollouts", "evaluation", "configuration"] as const;
type Tab = (typeof TABS)[number];

/** One run. */
export function RunView({
  run,
  params,
  overview,
}: {
  readonly run: RunSummary;
  readonly params: URLSearchParams;
  readonly overview: Overview;
}): JSX.Element {
  const { value: detail, error } = useFetched<RunDetail>(runPath(run.id), useSlowly(run.revision));
  const tab = TABS.find((one) => one === params.get("tab")) ?? "curves";
  return (
    <>
      <p class="crumbs">
        <a href="/">Runs</a>
      </p>
      <h1>
        {run.id} <StatusBadge run={run} />
      </h1>
      {run.message !== null && <p class="message">{run.message}</p>}
      <Problems problems={run.problems} />
      <Facts run={run} detail={detail} />
      <nav class="tabs" aria-label="Parts of the run">
        {TABS.map((one) => (
          <a
            key={one}
            href={runAddress(run.id, { tab: one === "curves" ? null : one })}
            aria-current={one === tab ? "page" : undefined}
          >
            {one}
          </a>
        ))}
      </nav>
      {error !== null && <p role="alert">{error}</p>}
      <Panel {...{ tab, run, detail, params, overview }} />
    </>
  );
}

function Panel({
  tab,
  run,
  detail,
  params,
  overview,
}: {
  readonly tab: Tab;
  readonly run: RunSummary;
  readonly detail: RunDetail | null;
  readonly params: URLSearchParams;
  readonly overview: Overview;
}): JSX.Element {
  if (tab === "curves") return <CurvesPanel run={run} params={params} />;
  if (detail === null) return <p class="quiet">Reading the run.</p>;
  switch (tab) {
    case "rollouts":
      return <RolloutsPanel {...{ run, params, overview, range: detail.rollouts }} />;
    case "evaluation":
      return <EvaluationTable evaluation={detail.evaluation} iteration={detail.evaluatedIteration} />;
    case "configuration":
      return <SettingsTable detail={detail} />;
  }
}

function Facts({ run, detail }: { readonly run: RunSummary; readonly detail: RunDetail | null }): JSX.Element {
  const { sessions = 1, bestIteration: best = null, bestValidation = null } = detail ?? {};
  const of = `${run.scoredBy === "validation" ? "validation" : "training"} of iteration ${run.scoredAt}`;
  // Numbers of two iterations do not stand under one name.
  const isLastBest = best !== null && run.scoredBy === "validation" && run.scoredAt === best;
  const facts: readonly (readonly [string, JSX.Element | string | null])[] = [
    ["Iteration", <RunProgress run={run} />],
    ["Best checkpoint", best === null ? null : `iteration ${best}`],
    ["Its score, validation", bestValidation && formatNumber(bestValidation.score)],
    ["Its KL to SFT", bestValidation && formatNumber(bestValidation.kl)],
    [`Score, ${of}`, run.score === null || isLastBest ? null : formatNumber(run.score)],
    [`KL to SFT, ${of}`, run.kl === null || isLastBest ? null : formatNumber(run.kl)],
    ["Method", run.method],
    ["Seed", run.seed === null ? null : String(run.seed)],
    ["Started", run.startedAt === null ? null : `${formatTime(run.startedAt)} UTC`],
    ["Sessions", sessions > 1 ? String(sessions) : null],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
