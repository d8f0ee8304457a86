import type { JSX } from "preact";
import type { RolloutPage, RolloutRow } from "../api.js";
import { setParams, withParams } from "./address.js";
import { formatNumber } from "./format.js";
import { moveFocus } from "./keyboard.js";
import { SortHeader } from "./sort-header.js";

const COLUMNS = [
  { name: "row", title: "Row", isMinor: false },
  { name: "score", title: "Score", isMinor: false },
  { name: "kl", title: "KL", isMinor: false },
  { name: "prefix", title: "Prefix", isMinor: true },
  { name: "tokens", title: "Tokens", isMinor: true },
];

/** The name of a rollout in the address. */
export const openName = ({ row, continuation }: { readonly row: number; readonly continuation: number }): string =>
  `${row}-${continuation}`;

/** Rollouts of an iteration: prefix shaded, continuation plain. */
export function RolloutTable({
  page,
  order,
  descending,
  open,
  isLoading,
}: {
  readonly page: RolloutPage;
  readonly order: string;
  readonly descending: boolean;
  readonly open: string | null;
  readonly isLoading: boolean;
}): JSX.Element {
  const sort = (name: string, isDescending: boolean) =>
    setParams(
      { order: name === "row" ? null : name, descending: isDescending ? 1 : null, offset: null },
      { replace: true },
    );
  const hasMany = page.rows.some(({ continuation }) => continuation > 0);
  return (
    <div class="scroll">
      <table class="list rollout-table" aria-busy={isLoading} onKeyDown={(event) => moveFocus(event, "tbody a.open")}>
        <caption class="hidden">Rollouts of iteration {page.iteration}</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ name, title, isMinor }) => (
              <SortHeader
                key={name}
                {...{ name, title, isMinor, order, descending, isNumber: name !== "row", onSort: sort }}
              />
            ))}
            <th scope="col">Response</th>
            <th scope="col" class="minor">
              Ends
            </th>
            <th scope="col" class="minor">
              Starts from
            </th>
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row) => (
            <Row key={openName(row)} {...{ row, hasMany, isOpen: openName(row) === open }} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  row,
  hasMany,
  isOpen,
}: {
  readonly row: RolloutRow;
  readonly hasMany: boolean;
  readonly isOpen: boolean;
}): JSX.Element {
  const { score, kl, prefixTokens, generatedTokens, prefixText, generatedText, finishReason, sourceId, parent } = row;
  return (
    <tr class={isOpen ? "chosen" : undefined}>
      <th scope="row" class="place">
        <a
          class="open"
          href={withParams({ open: openName(row), cut: null })}
          aria-current={isOpen ? "true" : undefined}
        >
          {row.row}
          {hasMany && <span class="quiet">.{row.continuation}</span>}
        </a>
      </th>
      <td class="number">{formatNumber(score)}</td>
      <td class="number">{formatNumber(kl)}</td>
      <td class="number minor">{prefixTokens}</td>
      <td class="number minor">{prefixTokens + generatedTokens}</td>
      <td class="response">
        {prefixText !== "" && (
          <mark>
            <span class="hidden">Prefix: </span>
            {prefixText}
          </mark>
        )}
        {prefixText !== "" && <span class="hidden"> Continuation: </span>}
        {generatedText}
      </td>
      <td class="minor">{finishReason === "stop" ? "itself" : "budget"}</td>
      <td class="source minor">
        {parent ? (
          <a
            href={withParams({
              iteration: parent.iteration,
              open: openName(parent),
              cut: null,
              offset: null,
              search: null,
            })}
          >
            rollout {parent.row} of iteration {parent.iteration}
          </a>
        ) : sourceId === null ? (
          "the prompt"
        ) : (
          `response ${sourceId}`
        )}
      </td>
    </tr>
  );
}
