import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Overview, RunSummary } from "../api.js";
import { type Address, followLink, useAddress } from "./address.js";
import { rememberToken } from "./api-client.js";
import { CompareView } from "./compare-view.js";
import { formatNumber } from "./format.js";
import { HelpDialog } from "./help-dialog.js";
import { useKeys } from "./keyboard.js";
import { LoginView } from "./login-view.js";
import { RunView } from "./run-view.js";
import { RunsView } from "./runs-view.js";
import { useFetched } from "./use-fetched.js";
import { useRuns } from "./use-runs.js";

/** The page: what the address names, of the runs as they go on. */
export function App(): JSX.Element {
  const address = useAddress();
  const [attempt, setAttempt] = useState(0);
  const { runs, connection } = useRuns(attempt);
  const overview = useFetched<Overview>("/api/overview", `${attempt} ${connection === "open"}`).value;
  const [isHelpOpen, setHelpOpen] = useState(false);
  useKeys({
    "?": () => setHelpOpen(true),
    "/": () => document.querySelector<HTMLElement>("input[type=search]")?.focus(),
  });
  useTitle(address);
  const needsToken = connection === "token needed";
  const logIn = (token: string) => {
    rememberToken(token);
    setAttempt((before) => before + 1);
  };
  return (
    <div class="page" onClick={followLink}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <nav aria-label="Dashboard">
          <a class="brand" href="/">
            drpo
          </a>
          <span class="quiet folder">{overview?.folder}</span>
        </nav>
        <span class="connection" role="status">
          {connection === "lost" ? "Connection lost, trying again" : ""}
        </span>
        <button type="button" class="plain" onClick={() => setHelpOpen(true)}>
          Keys <kbd>?</kbd>
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {needsToken ? <LoginView isWrong={attempt > 0} onToken={logIn} /> : <View {...{ address, runs, overview }} />}
      </main>
      <Announcer address={address} runs={runs} />
      <HelpDialog isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

interface ViewProps {
  readonly address: Address;
  readonly runs: ReadonlyMap<string, RunSummary> | null;
  readonly overview: Overview | null;
}

function View({ address, runs, overview }: ViewProps): JSX.Element {
  if (runs === null || overview === null) {
    return (
      <>
        <h1>Runs</h1>
        <p class="quiet">Looking for runs.</p>
      </>
    );
  }
  switch (address.view) {
    case "runs":
      return <RunsView runs={runs} params={address.params} folder={overview.folder} />;
    case "compare":
      return <CompareView runs={runs} params={address.params} />;
    case "run": {
      const run = runs.get(address.id!);
      return run ? <RunView key={run.id} {...{ run, params: address.params, overview }} /> : <NoRun id={address.id!} />;
    }
  }
}

const NoRun = ({ id }: { readonly id: string }): JSX.Element => (
  <>
    <h1>{id}</h1>
    <p>
      There is no such run here. It may have been moved or deleted. <a href="/">All runs</a>
    </p>
  </>
);

function useTitle({ view, id }: Address): void {
  const title = view === "run" ? id : view === "compare" ? "Compare" : "Runs";
  useEffect(() => {
    document.title = `${title} - drpo`;
  }, [title]);
}

/** Says to a screen reader what has changed: new iterations of the run that is shown, and runs that have ended. */
function Announcer({ address, runs }: Omit<ViewProps, "overview">): JSX.Element {
  const before = useRef<ReadonlyMap<string, RunSummary> | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const news = before.current && runs ? newsOf(before.current, runs, address.id) : "";
    before.current = runs;
    if (news !== "") setText(news);
  }, [runs, address.id]);
  return (
    <p class="hidden" aria-live="polite" role="status" data-testid="news">
      {text}
    </p>
  );
}

function newsOf(
  before: ReadonlyMap<string, RunSummary>,
  now: ReadonlyMap<string, RunSummary>,
  shown: string | null,
): string {
  return [...now.values()]
    .flatMap((run) => {
      const old = before.get(run.id);
      if (!old || old.revision === run.revision) return [];
      if (old.status !== run.status) return [`${run.id} is ${run.status}.`];
      if (run.id !== shown || old.iteration === run.iteration) return [];
      return [`Iteration ${run.iteration}, score ${formatNumber(run.score)}.`];
    })
    .join(" ");
}
