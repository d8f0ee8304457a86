import type { ExamplePair } from "./example-pairs.js";
import { formatStyled } from "./format-number.js";
import { html, type Html } from "./html.js";

/** Responses side by side: the same prompt under the same noise, SFT and policy. */
export function examplesSection(examples: readonly ExamplePair[]): Html | null {
  if (examples.length === 0) return null;
  const isOnePrompt = new Set(examples.map(({ prompt }) => prompt)).size === 1;
  return html`<section>
    <h2>Before and after</h2>
    <p class="note">
      The first ${examples.length} of the evaluation, not picked: the same prompt under the same noise.
    </p>
    ${isOnePrompt ? html`<blockquote class="prompt" dir="auto">${examples[0]!.prompt}</blockquote>` : null}
    ${examples.map(
      ({ prompt, sft, policy }) =>
        html`<article class="example">
          ${isOnePrompt ? null : html`<blockquote class="prompt" dir="auto">${prompt}</blockquote>`}
          <div class="pair">${response("SFT", "sft", sft)} ${response("Policy", "policy", policy)}</div>
        </article>`,
    )}
  </section>`;
}

const response = (name: string, key: string, { text, score }: ExamplePair["sft"]): Html =>
  html`<div class="response">
    <h3>
      <span class="key ${key}">${name}</span>
      <span class="score">${formatStyled(score, { decimals: 2, signed: true })}</span>
    </h3>
    <p dir="auto">${text}</p>
  </div>`;
