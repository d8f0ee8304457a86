import picocolors from "picocolors";

/** What a command may touch of its process. */
export interface CommandContext {
  readonly stdin: NodeJS.ReadStream;
  /** Results, and nothing else. */
  readonly stdout: NodeJS.WriteStream;
  /** Progress, notes and errors. */
  readonly stderr: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute; what paths on the command line are relative to. */
  readonly cwd: string;
}

const isDumb = (context: CommandContext): boolean => context.environment["TERM"] === "dumb";

/** Colour is for terminals, unless NO_COLOR (https://no-color.org) or a dumb one forbids it. */
export const useColor = (stream: NodeJS.WriteStream, context: CommandContext): boolean =>
  stream.isTTY === true && !context.environment["NO_COLOR"] && !isDumb(context);

export type Colors = ReturnType<typeof picocolors.createColors>;

export const colorsOf = (stream: NodeJS.WriteStream, context: CommandContext): Colors =>
  picocolors.createColors(useColor(stream, context));

/** Prints one JSON document, the result of a command. */
export const printJson = ({ stdout }: CommandContext, value: unknown): void =>
  void stdout.write(`${JSON.stringify(value, null, 2)}\n`);
