/** A word for a POSIX shell, whatever is in it. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const shellCommand = (words: readonly string[]): string => words.map(shellWord).join(" ");

/** What a run on another machine must know of our environment; tokens are none of it. */
const KEPT_VARIABLES = ["DRPO_CACHE_DIR", "DRPO_PYTHON"] as const;

/** Shell lines after which a program starts as it would here. */
export function shellPreamble({
  cwd,
  environment,
}: {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): readonly string[] {
  const kept = KEPT_VARIABLES.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`export ${name}=${shellWord(value)}`];
  });
  return [`cd ${shellWord(cwd)} || exit 3`, ...kept];
}
