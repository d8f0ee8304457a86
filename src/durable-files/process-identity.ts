import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { fileErrorCode } from "./file-error.js";

/** Which process: a pid alone can be another program's after a restart. Empty strings where the system does not tell. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the kernel's own units. */
  readonly startTime: string;
  readonly host: string;
  /** Changes when the machine restarts. */
  readonly bootId: string;
  /** Pids of another container mean nothing here. */
  readonly pidNamespace: string;
}

/** This process. */
export const ownIdentity = (): Promise<ProcessIdentity> => identityOf(process.pid);

/** A process that runs, on this machine. */
export async function identityOf(pid: number): Promise<ProcessIdentity> {
  return {
    pid,
    startTime: (await processStat(pid))?.startTime ?? "",
    host: hostname(),
    bootId: await bootId(),
    pidNamespace: await pidNamespace(),
  };
}

/** "unknown": it was started on another machine or in another container, where we cannot look. */
export async function processState(process_: ProcessIdentity): Promise<"alive" | "dead" | "unknown"> {
  if (process_.host !== hostname()) return "unknown";
  if (process_.bootId !== (await bootId())) return "dead";
  if (process_.pidNamespace !== (await pidNamespace())) return "unknown";
  if (!pidExists(process_.pid)) return "dead";
  const stat = await processStat(process_.pid);
  if (stat === null) return process_.startTime === "" ? "alive" : "dead";
  // A zombie has ended; only its parent has not asked yet.
  return stat.state !== "Z" && stat.startTime === process_.startTime ? "alive" : "dead";
}

function pidExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return fileErrorCode(error) === "EPERM";
  }
}

/** State and start time from /proc (fields 3 and 22 of proc(5)); null where there is none. */
async function processStat(pid: number): Promise<{ state: string; startTime: string } | null> {
  const text = await readOr(() => readFile(`/proc/${pid}/stat`, "utf8"));
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  return state === undefined || startTime === undefined ? null : { state, startTime };
}

const bootId = async (): Promise<string> =>
  (await readOr(() => readFile("/proc/sys/kernel/random/boot_id", "utf8"))).trim();
const pidNamespace = (): Promise<string> => readOr(() => readlink("/proc/self/ns/pid"));

async function readOr(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch {
    return "";
  }
}
