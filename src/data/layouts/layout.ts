import { BadInputError } from "../../errors.js";
import { emptiness, type DataRow } from "../data-row.js";

/** One way in which published datasets lay out their rows. */
export interface Layout<T> {
  /** Its fields, for messages: "{article, highlights}". */
  readonly fields: string;
  /** False: its prompts are as they are, so that data.promptTemplate has nothing to say. */
  readonly takesTemplate: boolean;
  /** Where the fields of a template are looked up; null if the row has no such part. Left out: the row itself. */
  readonly templateRow?: (row: DataRow) => DataRow | null;
  /** Whether a row looks like one of this layout, by its fields; a row may still be a bad one. */
  readonly recognises: (row: DataRow, promptTemplate: string | undefined) => boolean;
  /** @throws BadInputError naming the row */
  readonly read: (row: DataRow, promptTemplate: string | undefined) => T;
}

/**
 * The layout that the recipe names, or, for "auto", the one that recognises the first row that any of them recognises: a
 * row with nothing in its fields looks like none.
 * @param section of the recipe: "data" or "data.references"
 * @throws BadInputError if none or several recognise it, or if there is a template and the layout takes none
 */
export function chooseLayout<Name extends string, T>(
  section: string,
  layouts: Readonly<Record<Name, Layout<T>>>,
  { layout, promptTemplate }: { readonly layout: Name | "auto"; readonly promptTemplate?: string | undefined },
  rows: readonly DataRow[],
): Layout<T> {
  const name = layout === "auto" ? recognise(section, layouts, rows, promptTemplate) : layout;
  if (promptTemplate !== undefined && !layouts[name].takesTemplate) {
    throw new BadInputError(
      `${section}.promptTemplate says nothing where ${section}.layout is "${name}", whose prompts are whole; leave it out.`,
    );
  }
  return layouts[name];
}

function recognise<Name extends string, T>(
  section: string,
  layouts: Readonly<Record<Name, Layout<T>>>,
  rows: readonly DataRow[],
  promptTemplate: string | undefined,
): Name {
  const names = Object.keys(layouts) as Name[];
  for (const row of rows) {
    const [name, ...others] = names.filter((one) => layouts[one].recognises(row, promptTemplate));
    if (name === undefined) continue;
    if (others.length === 0) return name;
    const candidates = [name, ...others].map((one) => `"${one}"`).join(" or ");
    throw new BadInputError(
      `${row.where}: the row could be of layout ${candidates}; set ${section}.layout to one of them.`,
    );
  }
  const [row] = rows;
  const fields = Object.entries(row!.fields).map(([name, value]) => {
    const nothing = emptiness(value);
    return nothing === null ? name : `${name} (${nothing})`;
  });
  throw new BadInputError(
    `${row!.where}: the fields ${fields.join(", ") || "(none)"} are those of no layout. Set ${section}.layout, ` +
      `or rename them. ${names.map((one) => `${one}: ${layouts[one].fields}`).join("; ")}.`,
  );
}

/** The parts of the rows in which a template's fields are looked up. */
export const templateRows = <T>({ templateRow }: Layout<T>, rows: readonly DataRow[]): readonly DataRow[] =>
  templateRow ? rows.flatMap((row) => templateRow(row) ?? []) : rows;
