import { TEMPLATE_FIELD } from "../../config/data.js";
import { BadInputError } from "../../errors.js";
import { hasField, textField, type DataRow } from "../data-row.js";

/** A template with the row's texts for its fields in braces. @throws BadInputError naming a field that the row lacks */
export const fillTemplate = (template: string, row: DataRow): string =>
  template.replace(TEMPLATE_FIELD, (_, name: string) => {
    if (hasField(row, name)) return textField(row, name);
    throw new BadInputError(
      `${row.where}: the row has no "${name}", a field of its prompt; its fields are ${Object.keys(row.fields).join(", ")}.`,
    );
  });
