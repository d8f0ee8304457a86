import type { Sample, SampledResponse, TrainingSamples } from "../figures/samples.js";
import { formatStyled } from "../format-number.js";
import { html, type Html } from "../html.js";
import { key, promptQuote } from "./parts.js";

/** Responses side by side: the same prompt, every model. */
export function samplesSection(samples: readonly Sample[]): Html {
  const isOnePrompt = new Set(samples.map(({ prompt }) => prompt)).size === 1;
  return html`<section id="samples">
    <h2>Responses side by side</h2>
    <p class="note">
      The first ${samples.length} of the evaluation, not picked: the same prompt under the same noise (seed
      ${samples[0]!.seed}), with scores.
    </p>
    ${isOnePrompt ? promptQuote(samples[0]!.prompt) : null}
    ${samples.map(
      (sample) =>
        html`<article class="example">
          ${isOnePrompt ? null : promptQuote(sample.prompt)}
          <div class="cards">${sample.responses.map(card)}</div>
        </article>`,
    )}
  </section>`;
}

const card = ({ by, colour, text, score }: SampledResponse): Html =>
  html`<div class="response">
    <h3>${key(colour, by)} ${scoreOf(score)}</h3>
    <p dir="auto">${text}</p>
  </div>`;

const scoreOf = (score: number): Html =>
  html`<span class="score">${formatStyled(score, { decimals: 2, signed: true })}</span>`;

/** What resets look like: prefixes that were given, and what the policy made of them. */
export const trainingSamplesSection = (samples: readonly TrainingSamples[]): Html =>
  html`<section id="training-rollouts">
    <h2>Training rollouts</h2>
    <p class="note">
      Some of each group's last iteration. <mark>Shaded</mark>: the prefix that the rollout was reset to; plain: what
      the policy wrote from there.
    </p>
    <div class="cards">
      ${samples.flatMap(({ group, colour, rollouts }) =>
        rollouts.map(
          (rollout) =>
            html`<div class="response">
              <h3>${key(colour, group)} ${scoreOf(rollout.score)}</h3>
              <p dir="auto">${rolloutText(rollout)}</p>
              <p class="quiet">
                rollout ${rollout.row} of iteration ${rollout.iteration}: ${startOf(rollout)},
                ${tokens(rollout.generatedTokens)} generated
              </p>
            </div>`,
        ),
      )}
    </div>
  </section>`;

const tokens = (count: number): string => `${count} ${count === 1 ? "token" : "tokens"}`;

/** An id may be a number: it must not read as a count of tokens. */
function startOf({ prefixTokens, sourceId }: TrainingSamples["rollouts"][number]): string {
  if (prefixTokens === 0) return "starts at the prompt";
  const source = sourceId === null ? "an earlier rollout" : `the response with id “${sourceId}”`;
  return `reset after ${tokens(prefixTokens)} of ${source}`;
}

function rolloutText({ text, prefixText, prefixTokens }: TrainingSamples["rollouts"][number]): Html {
  if (prefixTokens === 0) return html`${text}`;
  // Runs of older versions do not say where the prefix ends; nor can a character be cut in two.
  if (prefixText === null || !text.startsWith(prefixText)) return html`${text}`;
  return html`<mark>${prefixText}</mark>${text.slice(prefixText.length)}`;
}
