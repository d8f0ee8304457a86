import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Command } from "commander";
import ts from "typescript";
import type { CommandContext } from "../../src/commands/command-context.js";
import { createProgram } from "../../src/commands/create-program.js";
import { ROOT } from "./run-drpo.js";

/** Every command by what follows "drpo", with the options that it takes. */
const OPTIONS: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const { stdin, stdout, stderr } = process;
  const program = createProgram({ stdin, stdout, stderr, environment: {}, cwd: ROOT } satisfies CommandContext);
  const all = new Map<string, ReadonlySet<string>>();
  const visit = (command: Command, path: readonly string[]): void => {
    all.set(path.join(" "), new Set(["--help", ...command.options.flatMap(({ long }) => long ?? [])]));
    for (const one of command.commands) visit(one, [...path, one.name()]);
  };
  visit(program, []);
  return all;
})();

/**
 * Who shows the messages of a file or folder of src/: an option that they name must be one of each of these commands.
 * Elsewhere a message may be shown by any command, so it names options as part of a whole command line only.
 */
const SHOWN_BY: Readonly<Record<string, readonly string[]>> = {
  "commands/train.ts": ["train"],
  "commands/plan-training.ts": ["train"],
  "run/open-run-directory.ts": ["train"],
  "config/apply-settings.ts": ["train", "evaluate"],
  "config/load-recipe.ts": ["train"],
  "config/stage-seed.ts": ["train"],
  "commands/plan-evaluation.ts": ["evaluate"],
  "config/missing-files.ts": ["train", "sample", "export", "evaluate", "judge"],
  "commands/recipe-of-run.ts": ["sample", "export", "evaluate", "judge"],
  "commands/judge": ["judge"],
  "commands/read-judges.ts": ["judge"],
  "commands/doctor/": ["doctor"],
  "commands/export/": ["export"],
  "commands/sample.ts": ["sample"],
  "commands/dashboard.ts": ["dashboard"],
  "commands/report.ts": ["report"],
  "report/write-report.ts": ["report"],
  "report/read-reported-runs.ts": ["train"],
  "report/page/configuration-section.ts": ["train"],
  "commands/log-metrics.ts": ["log-metrics"],
  "study/write-study.ts": ["study coverage", "study lock", "study npg"],
  "study/coverage/": ["study coverage"],
  "study/lock/": ["study lock"],
  "study/npg/": ["study npg"],
  "dashboard/server/": ["dashboard"],
  "commands/evaluate": ["evaluate"],
  "commands/sweep.ts": ["sweep"],
  "commands/plan-sweep.ts": ["sweep"],
  "sweep/": ["sweep"],
  "commands/serve/logs.ts": ["serve logs"],
  "commands/serve/stop.ts": ["serve stop"],
  "commands/serve/": ["serve start"],
  "server/containers/": ["serve start"],
  "server/detached/": ["serve start"],
};

/** Not for people to read: arguments of other programs, style sheets, generated code, a program for developers. */
const NO_MESSAGES = [
  /^proto-gen\//,
  /^bench\//,
  /^sweep\/slurm-script\.ts$/,
  /^server\/containers\/container-\w+\.ts$/,
];

interface Message {
  readonly file: string;
  readonly text: string;
}

/** Texts of a file, each as it is shown: joined by +, "…" for what is filled in. */
function messagesOf(file: string): readonly Message[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, "src", file), "utf8"), ts.ScriptTarget.ES2023);
  const found: Message[] = [];
  const textOf = (node: ts.Node): string => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
    if (ts.isTemplateExpression(node)) {
      for (const { expression } of node.templateSpans) visit(expression);
      return node.head.text + node.templateSpans.map(({ literal }) => `\u2026${literal.text}`).join("");
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
      return textOf(node.left) + textOf(node.right);
    visit(node);
    return "\u2026";
  };
  const visit = (node: ts.Node): void => {
    const isText =
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateExpression(node) ||
      (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken);
    if (isText) found.push({ file, text: textOf(node) });
    else if (ts.isJsxText(node)) found.push({ file, text: node.text });
    else ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return found;
}

const MESSAGES: readonly Message[] = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file) && !NO_MESSAGES.some((none) => none.test(file)))
  .flatMap(messagesOf);

/** A command line within a text: up to the end of the sentence, or of what stands in quotes or brackets. */
const COMMAND_LINE = /\bdrpo ([a-z][a-z-]*)((?: (?:'[^']*'|[^\s.;:,()"`]\S*?(?=[\s;:()"`]|[.,](?:\s|$)|$)))*)/g;
/** Command lines of other programs. */
const OTHER_PROGRAM = /\b(?:hf|git|ssh|sbatch)\b[^.;]*/g;
/** "-n, --lines <count>" */
const DECLARATION = /^(?:-\w, )?--[a-z-]+(?: <.*>)?$/;
const OPTION = /(?<![\w-])--[a-z][a-z-]*/g;

interface CommandLine extends Message {
  readonly command: string;
  readonly options: readonly string[];
}

const commandLinesOf = ({ file, text }: Message): readonly CommandLine[] =>
  [...text.matchAll(COMMAND_LINE)].map(([whole, name = "", rest = ""]) => {
    const subcommand = `${name} ${rest.trim().split(/\s+/)[0]}`;
    return {
      file,
      text: whole,
      command: OPTIONS.has(subcommand) ? subcommand : name,
      options: [...rest.matchAll(OPTION)].map(([option]) => option),
    };
  });

/** "this drpo speaks ..." */
const PROSE = new Set(["speaks", "recipe"]);

describe("what messages advise", () => {
  const lines = MESSAGES.flatMap(commandLinesOf);

  test("names commands that there are", () => {
    expect(lines.length).toBeGreaterThan(50);
    const unknown = lines.filter(({ command }) => !OPTIONS.has(command) && !PROSE.has(command));
    expect(unknown).toEqual([]);
  });

  test("gives a command no option that it does not have", () => {
    const wrong = lines.flatMap(({ file, text, command, options }) =>
      options.filter((option) => OPTIONS.get(command)?.has(option) === false).map((option) => ({ file, text, option })),
    );
    expect(wrong).toEqual([]);
  });

  test("names an option by itself only where every command that shows the message has it", () => {
    const isStyle = (text: string): boolean => /\bvar\(--|\{\s*--|style="--/.test(text);
    const isProse = (text: string): boolean => /\s/.test(text) && !isStyle(text) && !DECLARATION.test(text);
    const prose = MESSAGES.filter(({ text }) => isProse(text)).map(({ file, text }) => ({
      file,
      text: text.replaceAll(COMMAND_LINE, " ").replaceAll(OTHER_PROGRAM, " "),
    }));
    const wrong = prose.flatMap(({ file, text }) => {
      const commands = Object.entries(SHOWN_BY).find(([place]) => file.startsWith(place))?.[1];
      return [...text.matchAll(OPTION)]
        .map(([option]) => option)
        .filter((option) => option !== "--help" && !commands?.every((command) => OPTIONS.get(command)!.has(option)))
        .map((option) => ({ file, option, text }));
    });
    expect(wrong).toEqual([]);
  });
});
