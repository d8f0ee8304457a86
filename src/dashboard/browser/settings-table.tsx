import type { JSX } from "preact";
import type { RunDetail, Setting } from "../api.js";
import { formatCount } from "./format.js";
import { setParams } from "./address.js";

/** The resolved recipe, and of what the run was made. */
export function SettingsTable({ detail }: { readonly detail: RunDetail }): JSX.Element {
  const search = new URLSearchParams(location.search).get("search") ?? "";
  const found = detail.settings.filter(({ key, value }) =>
    `${key} ${value}`.toLowerCase().includes(search.toLowerCase()),
  );
  const named = (values: Readonly<Record<string, string>>): readonly Setting[] =>
    Object.entries(values).map(([key, value]) => ({ key, value }));
  return (
    <>
      <div class="bar">
        <input
          type="search"
          placeholder="Search"
          aria-label="Search the recipe"
          value={search}
          onInput={(event) => setParams({ search: event.currentTarget.value }, { replace: true })}
        />
        <span class="quiet" role="status">
          {formatCount(found.length, "setting")}
        </span>
      </div>
      <div class="columns">
        <Values title="Recipe" values={found} />
        <div>
          <Values title="Versions" values={named(detail.versions)} />
          <Values title="Hashes" values={named(detail.hashes)} />
        </div>
      </div>
    </>
  );
}

const Values = ({
  title,
  values,
}: {
  readonly title: string;
  readonly values: readonly Setting[];
}): JSX.Element | null =>
  values.length === 0 ? null : (
    <table class="settings">
      <caption>{title}</caption>
      <tbody>
        {values.map(({ key, value }) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
