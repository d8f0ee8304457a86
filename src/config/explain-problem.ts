import type { z } from "zod";
import { nearestName } from "./nearest-name.js";
import { entryOf, keysOf, pathsTo } from "./schema-at.js";

const dotted = (path: readonly PropertyKey[]): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i > 0 ? "." : ""}${String(key)}`)).join("");

/** A value as short as a message needs it. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** "policy.itterations is not a key of a recipe; did you mean policy.iterations?" */
export function explainUnknownKey(
  key: string,
  where: string,
  schema: z.core.$ZodType,
  value: unknown,
  what = "a recipe",
): string {
  const prefix = where === "" ? "" : `${where}.`;
  const names = [...keysOf(schema, value).keys()];
  // The right name at another depth is a likelier slip than another name here.
  const meant = pathsTo(key, schema, value)[0] ?? nearestName(key, names);
  const advice =
    meant === undefined
      ? `the keys ${where === "" ? "here" : `of ${where}`} are ${names.join(", ")}`
      : `did you mean ${prefix}${meant}?`;
  return `${prefix}${key} is not a key of ${what}; ${advice}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  array: "a list",
  object: "an object {...}",
};

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? shown(values[0]) : `one of ${values.map(shown).join(", ")}`;

const BOUND_OF = { number: "", int: "", bigint: "", string: " characters", array: " entries" } as Readonly<
  Record<string, string>
>;

/** What would have been right; undefined if zod's own words must do. */
function expected(issue: z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case "too_small":
      return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${BOUND_OF[issue.origin] ?? ""}`;
    case "too_big":
      return `${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${BOUND_OF[issue.origin] ?? ""}`;
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union":
      return "options" in issue ? oneOf(issue.options) : undefined;
    default:
      return undefined;
  }
}

/** The value at a path. */
const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key], value);

/** The schema at a path, as far as objects and lists lead. */
function schemaAt(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): z.core.$ZodType {
  return path.reduce<z.core.$ZodType>(
    (inner, key, i) =>
      typeof key === "number"
        ? entryOf(inner)
        : (keysOf(inner, valueAt(value, path.slice(0, i))).get(String(key)) ?? inner),
    schema,
  );
}

/** Lines that say what is wrong with a recipe, or with `what`: where, what was found, what was expected. */
export function explainProblem(
  issue: z.core.$ZodIssue,
  recipe: unknown,
  schema: z.core.$ZodType,
  what = "a recipe",
): readonly string[] {
  const where = issue.path.length === 0 ? `the ${what.replace(/^a /, "")}` : dotted(issue.path);
  const value = valueAt(recipe, issue.path);
  const here = schemaAt(schema, recipe, issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => explainUnknownKey(key, dotted(issue.path), here, value, what));
  }
  // What may hold a secret is not repeated.
  if (issue.code === "custom" && issue.params?.["hideValue"] === true) return [`${where}: ${issue.message}`];
  if (issue.code === "custom" || issue.code === "invalid_format")
    return [`${where}: ${issue.message}; it is ${value === undefined ? "left out" : shown(value)}`];
  const right = expected(issue) ?? issue.message;
  return [
    value === undefined
      ? `${where} is missing: it must be ${right}`
      : `${where} is ${shown(value)}: it must be ${right}`,
  ];
}
