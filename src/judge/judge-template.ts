import { readFile } from "node:fs/promises";
import { decodeText, NotTextError } from "../config/text-file.js";
import { BadInputError } from "../errors.js";

/** The question about two responses, as a judge reads it. */
export type JudgeTemplate = (texts: {
  readonly prompt: string;
  readonly responseA: string;
  readonly responseB: string;
}) => string;

const PLACES = ["prompt", "responseA", "responseB"] as const;
const MANDATORY = ["responseA", "responseB"] as const;

/**
 * Reads a template: text with {responseA} and {responseB}, and {prompt} where the judge needs it. What goes into a place is
 * never looked through for places.
 * @param where place in the recipe, for messages
 * @throws BadInputError if the file cannot be read, or lacks a response, or has a place that nothing goes into
 */
export async function readJudgeTemplate(path: string, where: string): Promise<JudgeTemplate> {
  try {
    return judgeTemplate(decodeText(await readFile(path)), `${where}: the template ${path}`);
  } catch (cause) {
    if (cause instanceof BadInputError) throw cause;
    const why =
      cause instanceof NotTextError ? cause.message : ((cause as NodeJS.ErrnoException).code ?? String(cause));
    throw new BadInputError(`${where}: the template ${path} cannot be read (${why}).`, { cause });
  }
}

/** @param name of the template, for messages. @throws BadInputError as readJudgeTemplate does */
export function judgeTemplate(text: string, name: string): JudgeTemplate {
  const named = [...text.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!);
  const unknown = named.find((place) => !(PLACES as readonly string[]).includes(place));
  if (unknown !== undefined) {
    throw new BadInputError(`${name} has {${unknown}}, which nothing goes into: it may have ${shown(PLACES)}.`);
  }
  const missing = MANDATORY.filter((place) => !named.includes(place));
  if (missing.length > 0) throw new BadInputError(`${name} lacks ${shown(missing)}: a judge must see both responses.`);
  return (texts) => text.replaceAll(/\{(\w+)\}/g, (_, place: string) => texts[place as keyof typeof texts].trim());
}

const shown = (places: readonly string[]): string => places.map((place) => `{${place}}`).join(", ");
