import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Overview, ResetHereAnswer, ResetHereBody, RolloutDetail, RunSummary } from "../api.js";
import { setParams } from "./address.js";
import { post, runPath } from "./api-client.js";
import { formatCount } from "./format.js";
import { ResetHereResults } from "./reset-here-results.js";

interface Asked {
  readonly state: "idle" | "asking" | "answered" | "failed";
  readonly answer: ResetHereAnswer | null;
  /** Tokens that were kept. */
  readonly cut: number;
  readonly error: string | null;
}

const IDLE: Asked = { state: "idle", answer: null, cut: 0, error: null };

/** What DR-PO sees: the policy goes on from a state of this response, several times, and each is scored. */
export function ResetHerePanel({
  run,
  rollout,
  cut,
  params,
  overview,
}: {
  readonly run: RunSummary;
  readonly rollout: RolloutDetail;
  readonly cut: number | null;
  readonly params: URLSearchParams;
  readonly overview: Overview;
}): JSX.Element {
  const [asked, setAsked] = useState<Asked>(IDLE);
  const under = useRef<AbortController | null>(null);
  useEffect(() => () => under.current?.abort(), []);
  const kept = cut ?? rollout.prefixTokens;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    under.current?.abort();
    const controller = new AbortController();
    under.current = controller;
    setAsked({ ...IDLE, state: "asking", cut: kept });
    const body = bodyOf(new FormData(event.currentTarget as HTMLFormElement), rollout, kept);
    setParams({ ...body, iteration: rollout.iteration, row: null, continuation: null }, { replace: true });
    post<ResetHereAnswer>(runPath(run.id, "/reset-here"), body, controller.signal).then(
      (answer) => setAsked({ state: "answered", answer, cut: kept, error: null }),
      (error: unknown) => {
        if (!controller.signal.aborted) setAsked({ ...IDLE, state: "failed", error: (error as Error).message });
      },
    );
  };
  return (
    <section class="reset" aria-labelledby="reset-title">
      <h3 id="reset-title">Reset here</h3>
      <p>
        {kept === 0
          ? "From the prompt: nothing of the response is kept."
          : `After ${formatCount(kept, "token")} of the response. Choose any token above to reset after it.`}{" "}
        {kept > 0 && (
          <button type="button" class="plain link" onClick={() => setParams({ cut: 0 }, { replace: true })}>
            From the prompt
          </button>
        )}
      </p>
      {overview.canReset ? (
        <ResetForm params={params} isAsking={asked.state === "asking"} onSubmit={submit} />
      ) : (
        <p class="note">This needs a model server. {overview.resetHint}</p>
      )}
      <div role="status">
        {asked.state === "asking" && (
          <p class="quiet">The policy is writing. The first time, its server has to start.</p>
        )}
      </div>
      {asked.error !== null && <p role="alert">{asked.error}</p>}
      {asked.answer && <ResetHereResults rollout={rollout} answer={asked.answer} cut={asked.cut} />}
    </section>
  );
}

function bodyOf(form: FormData, { iteration, row, continuation }: RolloutDetail, cut: number): ResetHereBody {
  const temperature = form.get("temperature");
  return {
    ...{ iteration, row, continuation, cut },
    policy: form.get("policy") === "last" ? "last" : "best",
    number: Number(form.get("number")),
    temperature: temperature === "" || temperature === null ? null : Number(temperature),
    seed: Number(form.get("seed")),
  };
}

function ResetForm({
  params,
  isAsking,
  onSubmit,
}: {
  readonly params: URLSearchParams;
  readonly isAsking: boolean;
  readonly onSubmit: (event: SubmitEvent) => void;
}): JSX.Element {
  return (
    <form class="bar" onSubmit={onSubmit}>
      <label>
        Continuations
        <input name="number" type="number" min="1" max="64" required defaultValue={params.get("number") ?? "8"} />
      </label>
      <label>
        Temperature
        <input
          name="temperature"
          type="number"
          min="0.01"
          step="any"
          placeholder="recipe's"
          defaultValue={params.get("temperature") ?? ""}
        />
      </label>
      <label>
        Seed
        <input name="seed" type="number" min="0" required defaultValue={params.get("seed") ?? "1"} />
      </label>
      <label>
        Policy
        <select name="policy" defaultValue={params.get("policy") ?? "best"}>
          <option value="best">best checkpoint</option>
          <option value="last">last commit</option>
        </select>
      </label>
      <button type="submit" class="strong" disabled={isAsking}>
        {isAsking ? "Writing" : "Reset here"}
      </button>
    </form>
  );
}
