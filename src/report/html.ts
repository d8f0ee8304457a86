/** Markup that is safe to put into a page: made by `html`, which escapes whatever else is put into it. */
export class Html {
  constructor(readonly markup: string) {}
}

type Part = Html | string | number | null | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A template whose values are escaped, for element content and for quoted attributes; Html goes in as it is, null is
 * nothing. Texts that a model wrote go through here and nowhere else.
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.reduce((markup, literal, i) => markup + markupOf(parts[i - 1] ?? null) + literal));
}

function markupOf(part: Part): string {
  if (part === null) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "object") return part.map(markupOf).join("");
  return visible(String(part)).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** Control characters, which HTML forbids and which reorder or hide text, are shown as a replacement character. */
const visible = (text: string): string => text.replace(/[^\P{C}\n\r\t\u00ad\u200d]/gu, "\ufffd");
