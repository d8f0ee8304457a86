import { lstat, mkdir, mkdtemp, readlink, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BadInputError, EnvironmentError } from "../errors.js";
import { causeOf, fileError, fileErrorCode } from "./file-error.js";

/** A folder that files will be written into, made when it is needed. */
export interface WantedFolder {
  /** Absolute. */
  readonly path: string;
  /** What it is for: "the cache". */
  readonly what: string;
  /** How to have another: "name another with --run-dir". */
  readonly remedy: string;
  /** False if the environment decides where it is, not an argument of the command. */
  readonly isArgument: boolean;
}

/**
 * Refuses folders that cannot be written, before the work whose results go there. Nothing is left behind.
 * @throws BadInputError if the path of an argument cannot be a folder; EnvironmentError if the machine does not let us
 */
export async function refuseUnwritable(folders: readonly WantedFolder[]): Promise<void> {
  for (const { path, what, remedy, isArgument } of folders) {
    const problem = await whyUnwritable(path);
    if (problem === null) continue;
    const message = `Cannot write to ${path}, the folder of ${what}: ${problem.why}. Change that, or ${remedy}.`;
    throw isArgument && problem.isOfThePath ? new BadInputError(message) : new EnvironmentError(message);
  }
}

/** `isOfThePath`: there is something else where a folder should be, whoever asks. */
interface Unwritable {
  readonly why: string;
  readonly isOfThePath: boolean;
}

/** Why files cannot be written into a folder, which need not be there yet; null if they can. */
export async function whyUnwritable(path: string): Promise<Unwritable | null> {
  let above = path;
  for (;;) {
    const found = await lookAt(above);
    if (found === "folder") break;
    if (found !== "nothing") return found;
    above = dirname(above);
  }
  try {
    // The only way to know: a read-only mount, a quota or /proc refuse what permissions allow.
    await rmdir(await mkdtemp(join(above, ".drpo-")));
  } catch (error) {
    const why = fileErrorCode(error) === "ENOENT" ? "no files can be made there" : causeOf(error);
    return { why: above === path ? why : `${why} (${above})`, isOfThePath: false };
  }
  return null;
}

async function lookAt(path: string): Promise<"folder" | "nothing" | Unwritable> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : { why: `${path} is a file`, isOfThePath: true };
  } catch (error) {
    const code = fileErrorCode(error) ?? "";
    if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(code)) {
      return { why: `${causeOf(error)} (${path})`, isOfThePath: code === "ENAMETOOLONG" };
    }
    if (!(await isLink(path))) return "nothing";
    const why = code === "ELOOP" ? "leads back to itself" : `leads to ${await readlink(path)}, where there is nothing`;
    return { why: `the link ${path} ${why}`, isOfThePath: true };
  }
}

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );

/** Makes a folder, and those above it. @throws as `refuseUnwritable` */
export async function makeFolder(folder: WantedFolder): Promise<void> {
  await refuseUnwritable([folder]);
  try {
    await mkdir(folder.path, { recursive: true });
  } catch (error) {
    throw fileError(error, `making the folder ${folder.path}`);
  }
}
