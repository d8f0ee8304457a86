import type { z } from "zod";

type Schema = z.core.$ZodType;
type Definition = z.core.$ZodTypes["_zod"]["def"];

const definition = (schema: Schema): Definition => schema._zod.def as Definition;

/** The schema without what only makes it optional, and the value that stands in for nothing. */
export function unwrap(schema: Schema): { readonly schema: Schema; readonly standIn: unknown } {
  const inner = definition(schema);
  switch (inner.type) {
    case "optional":
    case "nullable":
    case "readonly":
      return unwrap(inner.innerType);
    case "default":
    case "prefault":
      return { schema: unwrap(inner.innerType).schema, standIn: inner.defaultValue };
    default:
      return { schema, standIn: undefined };
  }
}

/** The option of a union that the value's discriminator names; every option if it names none. */
function optionsFor(schema: Schema, value: unknown): readonly Schema[] {
  const union = definition(schema);
  if (union.type !== "union") return [schema];
  const options = union.options.map((option) => unwrap(option).schema);
  const discriminator = (union as z.core.$ZodDiscriminatedUnionDef).discriminator;
  const kind = (value as Readonly<Record<string, unknown>> | null | undefined)?.[discriminator];
  const named = options.filter((option) => {
    const literal = shapeOf(option)[discriminator];
    const kinds = literal && definition(unwrap(literal).schema);
    return kinds?.type === "literal" && kinds.values.includes(kind as string);
  });
  return named.length > 0 ? named : options;
}

const shapeOf = (schema: Schema): Readonly<Record<string, Schema>> => {
  const object = definition(schema);
  return object.type === "object" ? object.shape : {};
};

/** Keys that an object of this schema may have, each with its schema; where the value does not tell which of several, of all. */
export function keysOf(schema: Schema, value: unknown): ReadonlyMap<string, Schema> {
  const options = optionsFor(unwrap(schema).schema, value);
  return new Map(options.flatMap((option) => Object.entries(shapeOf(option))));
}

/** The schema of a list's entries; the schema itself if it is no list. */
export function entryOf(schema: Schema): Schema {
  const list = definition(unwrap(schema).schema);
  return list.type === "array" ? list.element : schema;
}

/** Every dotted path of objects below this schema that ends in `key`, the shortest first. */
export function pathsTo(key: string, schema: Schema, value: unknown): readonly string[] {
  const paths = [...keysOf(schema, value)].flatMap(([name, inner]) => {
    const innerValue = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
    const below = pathsTo(key, inner, innerValue).map((path) => `${name}.${path}`);
    return name === key ? [name, ...below] : below;
  });
  return paths.sort((a, b) => a.split(".").length - b.split(".").length);
}
