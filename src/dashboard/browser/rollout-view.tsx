import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Overview, RolloutDetail, RunSummary } from "../api.js";
import { setParams, withParams } from "./address.js";
import { runPath } from "./api-client.js";
import { formatCount, formatNumber } from "./format.js";
import { useKeys } from "./keyboard.js";
import { ResetHerePanel } from "./reset-here-panel.js";
import { openName } from "./rollout-table.js";
import { TokenList } from "./token-list.js";
import { TokenTable } from "./token-table.js";
import { useFetched } from "./use-fetched.js";

/** One rollout, token by token, and what the policy would write from any of its states. */
export function RolloutView({
  run,
  iteration,
  open,
  params,
  overview,
}: {
  readonly run: RunSummary;
  readonly iteration: number;
  /** ROW-CONTINUATION */
  readonly open: string;
  readonly params: URLSearchParams;
  readonly overview: Overview;
}): JSX.Element {
  const path = runPath(run.id, `/rollouts/${iteration}/${open.replace("-", "/")}`);
  const { value: rollout, error } = useFetched<RolloutDetail>(path);
  const heading = useRef<HTMLHeadingElement>(null);
  const close = () => setParams({ open: null, cut: null });
  useKeys({ Escape: close });
  useEffect(() => heading.current?.focus(), [open, iteration]);
  return (
    <section class="rollout" aria-labelledby="rollout-title">
      <div class="bar">
        <h2 id="rollout-title" ref={heading} tabIndex={-1}>
          Rollout {open.replace(/-0$/, "").replace("-", ".")} <span class="quiet">of iteration {iteration}</span>
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      {error !== null && <p role="alert">{error}</p>}
      {rollout && <Content {...{ run, rollout, params, overview }} />}
    </section>
  );
}

function Content({
  run,
  rollout,
  params,
  overview,
}: {
  readonly run: RunSummary;
  readonly rollout: RolloutDetail;
  readonly params: URLSearchParams;
  readonly overview: Overview;
}): JSX.Element {
  const cut = params.has("cut") ? Number(params.get("cut")) : null;
  return (
    <>
      <RolloutFacts rollout={rollout} />
      {rollout.promptText !== null && (
        <p class="prompt">
          <span class="quiet">Prompt: </span>
          {rollout.promptText}
        </p>
      )}
      <TokenList rollout={rollout} cut={cut} onCut={(next) => setParams({ cut: next }, { replace: true })} />
      <ResetHerePanel key={openName(rollout)} {...{ run, rollout, cut, params, overview }} />
      <TokenTable rollout={rollout} />
    </>
  );
}

function RolloutFacts({ rollout }: { readonly rollout: RolloutDetail }): JSX.Element {
  const { score, kl, promptTokens, prefixTokens, tokens, finishReason, sourceId, parent } = rollout;
  const from = parent ? (
    <a
      href={withParams({
        iteration: parent.iteration,
        open: openName(parent),
        cut: prefixTokens,
        offset: null,
        search: null,
      })}
    >
      rollout {parent.row} of iteration {parent.iteration}
    </a>
  ) : (
    sourceId !== null && `the response with id ${sourceId}`
  );
  return (
    <dl class="facts">
      {(
        [
          ["Score", formatNumber(score)],
          ["KL to SFT, from the reset on", formatNumber(kl)],
          ["Prompt", formatCount(promptTokens, "token")],
          ["Prefix", prefixTokens === 0 ? "none: it starts at the prompt" : formatCount(prefixTokens, "token")],
          ["Generated", formatCount(tokens.length - prefixTokens, "token")],
          ["Ends", finishReason === "stop" ? "by itself" : "with the budget"],
          ["Reset into", from || "nothing"],
        ] as const
      ).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
