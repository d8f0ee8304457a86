import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** docs/algorithms.md, cut into what tests look at. */
export interface AlgorithmsPage {
  /** Without fenced blocks. */
  readonly prose: string;
  /** Contents of fenced blocks of a language, in order. */
  blocks(language: string): readonly string[];
  /** First cells of tables whose first column is "metric", below a heading and above the next one; backquotes taken off. */
  metrics(heading: string): readonly string[];
}

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm;

export async function readAlgorithmsPage(): Promise<AlgorithmsPage> {
  const text = await readFile(`${ROOT}/docs/algorithms.md`, "utf8");
  const prose = text.replace(FENCED, "");
  return {
    prose,
    blocks: (language) => [...text.matchAll(FENCED)].filter(([, kind]) => kind === language).map(([, , body]) => body!),
    metrics(heading) {
      const section = prose.split(/^(?=#+ )/m).find((part) => part.split("\n")[0]!.replace(/^#+ /, "") === heading);
      if (section === undefined) throw new Error(`docs/algorithms.md has no heading "${heading}".`);
      return tablesOf(section)
        .filter(([header]) => header![0] === "metric")
        .flatMap(([, , ...rows]) => rows.map(([name]) => name!.replace(/^`|`$/g, "")));
    },
  };
}

/** Tables as rows of cells: the header, the rule, then the rows. */
function tablesOf(section: string): string[][][] {
  const tables = section.split("\n\n").filter((part) => part.startsWith("| "));
  return tables.map((table) =>
    table
      .trim()
      .split("\n")
      .map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );
}
