import { chmod, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileError, fileErrorCode } from "../../durable-files/file-error.js";
import { writeFileAtomically } from "../../durable-files/write-file-atomically.js";
import { refuseUnwritable } from "../../durable-files/writable-folder.js";
import { BadInputError, EnvironmentError } from "../../errors.js";
import { type ServerRecord, serverRecordSchema } from "./server-record.js";

/** What is remembered of servers between commands: a folder for each, which only its user can look into. */
export interface ServerRecords {
  /** Of a server's record, token, log and certificates. */
  folderOf(name: string): string;
  /** Makes the folder. */
  prepare(name: string): Promise<string>;
  read(name: string): Promise<ServerRecord | null>;
  /** By name. */
  list(): Promise<readonly ServerRecord[]>;
  write(record: ServerRecord): Promise<void>;
  /** Forgets a server; its log stays until the next start under the name. */
  remove(name: string): Promise<void>;
}

const RECORD = "server.json";
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/;

/** Where drpo keeps what it knows about running programs: $DRPO_STATE_DIR, else drpo in the user's state folder. */
export function defaultStateDirectory(environment: Readonly<Record<string, string | undefined>>, home: string): string {
  const { DRPO_STATE_DIR: own, XDG_STATE_HOME: xdg } = environment;
  return own || join(xdg || join(home, ".local", "state"), "drpo");
}

/** @param directory as defaultStateDirectory names it; it need not be there */
export function serverRecords(directory: string): ServerRecords {
  const servers = join(directory, "servers");
  const folderOf = (name: string) => {
    if (!NAME.test(name))
      throw new BadInputError(
        `${name} is no name of a server: use up to 40 letters, digits, '.', '_' and '-'. (An address is HOST:PORT.)`,
      );
    return join(servers, name);
  };
  const read = async (name: string): Promise<ServerRecord | null> => {
    const path = join(folderOf(name), RECORD);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (fileErrorCode(error) === "ENOENT") return null;
      throw fileError(error, `reading ${path}`);
    });
    return text === null ? null : parse(text, path);
  };
  return {
    folderOf,
    read,
    async prepare(name) {
      const folder = folderOf(name);
      const remedy = "set DRPO_STATE_DIR to another folder";
      await refuseUnwritable([{ path: folder, what: "started servers", remedy, isArgument: false }]);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await chmod(folder, 0o700);
      } catch (error) {
        throw fileError(error, `making ${folder}`);
      }
      return folder;
    },
    async list() {
      const names = await readdir(servers).catch(() => []);
      const records = await Promise.all(names.filter((name) => NAME.test(name)).map(read));
      return records.filter((record) => record !== null).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    write: (record) => writeFileAtomically(join(folderOf(record.name), RECORD), `${JSON.stringify(record, null, 2)}\n`),
    remove: (name) => rm(join(folderOf(name), RECORD), { force: true }),
  };
}

function parse(text: string, path: string): ServerRecord {
  try {
    return serverRecordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EnvironmentError(
      `${path} is damaged, or of another version of drpo. Look whether its server still runs (ps, docker ps), stop it, and delete ` +
        `the file.`,
      { cause },
    );
  }
}
