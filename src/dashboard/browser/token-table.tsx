import type { JSX } from "preact";
import type { RolloutDetail } from "../api.js";
import { formatChange, formatNumber } from "./format.js";
import { klOf, readable } from "./token-colour.js";

/** The same as the colours say, in numbers. */
export const TokenTable = ({ rollout }: { readonly rollout: RolloutDetail }): JSX.Element => (
  <details>
    <summary>Tokens as a table</summary>
    <table class="figures tokens-table">
      <thead>
        <tr>
          <th scope="col" class="number">
            Place
          </th>
          <th scope="col">Token</th>
          <th scope="col" class="number">
            Id
          </th>
          <th scope="col" class="number">
            Log-prob
          </th>
          <th scope="col" class="number">
            SFT
          </th>
          <th scope="col" class="number">
            KL
          </th>
        </tr>
      </thead>
      <tbody>
        {rollout.tokens.map((token, i) => {
          const kl = klOf(token);
          return (
            <tr key={i}>
              <td class="number">{i + 1}</td>
              <th scope="row">
                {readable(token.piece)} {i < rollout.prefixTokens && <span class="quiet">prefix</span>}
              </th>
              <td class="number">{token.id}</td>
              <td class="number">{formatNumber(token.logprob)}</td>
              <td class="number">{formatNumber(token.referenceLogprob)}</td>
              <td class="number">{kl === null ? "\u2013" : formatChange(kl)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  </details>
);
