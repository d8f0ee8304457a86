import type { JSX } from "preact";

/** The head of a column that sorts by it: first the way that is asked for most, then the other way. */
export function SortHeader({
  title,
  name,
  order,
  descending,
  isNumber,
  isMinor = false,
  onSort,
}: {
  readonly title: string;
  readonly name: string;
  /** What is sorted by now. */
  readonly order: string;
  readonly descending: boolean;
  readonly isNumber: boolean;
  /** Left out on a narrow page. */
  readonly isMinor?: boolean | undefined;
  readonly onSort: (order: string, descending: boolean) => void;
}): JSX.Element {
  const isActive = name === order;
  const next = isActive ? !descending : isNumber;
  return (
    <th
      scope="col"
      class={[isNumber ? "number" : "", isMinor ? "minor" : ""].join(" ")}
      aria-sort={isActive ? (descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="plain" onClick={() => onSort(name, next)}>
        {title}
        <span aria-hidden="true" class="arrow">
          {isActive ? (descending ? "\u2193" : "\u2191") : ""}
        </span>
      </button>
    </th>
  );
}
