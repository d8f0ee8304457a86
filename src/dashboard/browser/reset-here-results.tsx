import type { JSX } from "preact";
import type { ResetHereAnswer, RolloutDetail } from "../api.js";
import { formatChange, formatNumber } from "./format.js";

const [WIDTH, HEIGHT, PAD] = [360, 44, 10];

/** Fresh continuations, the best first, beside the response that was reset into. */
export function ResetHereResults({
  rollout,
  answer,
  cut,
}: {
  readonly rollout: RolloutDetail;
  readonly answer: ResetHereAnswer;
  readonly cut: number;
}): JSX.Element {
  const { mean, standardDeviation, original, iteration, temperature, continuations } = answer;
  const sorted = [...continuations].sort((a, b) => b.score - a.score);
  const kept = rollout.tokens.slice(0, cut);
  const prefix = rollout.hasTexts ? kept.map(({ piece }) => piece).join("") : "";
  return (
    <div class="reset-results">
      <p role="status">
        Mean score {formatNumber(mean)}
        {standardDeviation !== null && ` \u00b1 ${formatNumber(standardDeviation)}`} of {continuations.length}; this
        response has {formatNumber(original)} ({formatChange(mean - original)}). Policy of iteration {iteration},
        temperature {formatNumber(temperature)}.
      </p>
      <ScoreStrip scores={sorted.map(({ score }) => score)} original={original} />
      <table class="list">
        <caption class="hidden">Continuations, the best first</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              Score
            </th>
            <th scope="col" class="number">
              Against this
            </th>
            <th scope="col" class="number">
              Tokens
            </th>
            <th scope="col">Continuation</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ text, score, tokens, finishReason }, i) => (
            <tr key={i}>
              <td class="number">{formatNumber(score)}</td>
              <td class="number">{formatChange(score - original)}</td>
              <td class="number">{tokens}</td>
              <td class="response">
                {prefix !== "" && <mark>{prefix.length > 40 ? `\u2026${prefix.slice(-40)}` : prefix}</mark>}
                {text}
                {finishReason !== "stop" && <span class="quiet"> (cut off by the budget)</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Scores on a line, and that of the response that was reset into. The table has the numbers. */
function ScoreStrip({
  scores,
  original,
}: {
  readonly scores: readonly number[];
  readonly original: number;
}): JSX.Element {
  const least = scores.reduce((a, b) => Math.min(a, b), original);
  const greatest = scores.reduce((a, b) => Math.max(a, b), original);
  const x = (score: number) => PAD + ((score - least) / (greatest - least || 1)) * (WIDTH - 2 * PAD);
  return (
    <svg class="strip" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line class="rule" x1={PAD} x2={WIDTH - PAD} y1="16" y2="16" />
      <line class="original" x1={x(original)} x2={x(original)} y1="4" y2="28" />
      {scores.map((score, i) => (
        <circle key={i} cx={x(score)} cy="16" r="5" />
      ))}
      <text x={x(original)} y="40" text-anchor={x(original) > WIDTH / 2 ? "end" : "start"}>
        this response
      </text>
    </svg>
  );
}
