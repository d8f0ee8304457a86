import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const BETWEEN_QUESTIONS_MS = 100;

/** What must be installed (scripts/setup-test-tools). */
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue"];

/** Slurm's daemons want to be root, and their programs on PATH. */
export const hasSlurm =
  process.getuid?.() === 0 &&
  PROGRAMS.every((program) => {
    try {
      execFileSync("/bin/sh", ["-c", `command -v ${program}`], { stdio: "ignore", env: environmentWith({}) });
      return true;
    } catch {
      return false;
    }
  });

/** Daemons are in sbin, which not everybody has on PATH. */
function environmentWith(more: Readonly<Record<string, string>>): Record<string, string> {
  return { ...(process.env as Record<string, string>), PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, ...more };
}

/** A Slurm of this machine alone, with ports, keys and files of its own. */
export interface OneNodeSlurm {
  /** For sbatch and its like. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** @throws with what the daemons logged if the node does not come up */
export async function startOneNodeSlurm(): Promise<OneNodeSlurm> {
  const folder = mkdtempSync(join(tmpdir(), "drpo-slurm-"));
  const inFolder = (name: string) => join(folder, name);
  // munged refuses a socket that not everybody can reach; its key is its own.
  chmodSync(folder, 0o755);
  for (const name of ["state", "spool"]) mkdirSync(inFolder(name));
  writeFileSync(inFolder("munge.key"), randomBytes(128), { mode: 0o600 });
  const node = hostname().split(".")[0]!;
  const [controllerPort, nodePort] = [await freePort(), await freePort()];
  writeFileSync(inFolder("slurm.conf"), configuration({ node, folder, controllerPort, nodePort }));

  const environment = { SLURM_CONF: inFolder("slurm.conf") };
  const daemons: ChildProcess[] = [];
  const start = (program: string, ...args: readonly string[]) => {
    const daemon = spawn(program, args, { stdio: "ignore", env: environmentWith(environment), detached: true });
    daemon.on("error", () => undefined);
    daemons.push(daemon);
  };
  const stop = async () => {
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      daemon.kill("SIGTERM");
      await once(daemon, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };

  const munge = ["socket", "pid-file", "log-file", "seed-file"].map((name) => `--${name}=${inFolder(`munge.${name}`)}`);
  try {
    start("munged", "--foreground", `--key-file=${inFolder("munge.key")}`, ...munge);
    // The others look for it once, and then again only after seconds.
    await until(() => Promise.resolve(existsSync(inFolder("munge.socket"))), daemons);
    start("slurmctld", "-D", "-f", environment.SLURM_CONF);
    start("slurmd", "-D", "-f", environment.SLURM_CONF, "-N", node);
    await until(async () => (await nodeState(environment)).trim() === "idle", daemons);
  } catch (error) {
    const logs = ["munge.log-file", "slurmctld.log", "slurmd.log"].map(
      (name) => `${name}:\n${contentOf(inFolder(name))}`,
    );
    await stop();
    throw new Error(`Slurm did not start: ${String(error)}\n${logs.join("\n")}`);
  }
  return { environment, stop };
}

function configuration(request: {
  readonly node: string;
  readonly folder: string;
  readonly controllerPort: number;
  readonly nodePort: number;
}): string {
  const { node, folder, controllerPort, nodePort } = request;
  return `
ClusterName=drpo
SlurmctldHost=${node}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
NodeName=${node} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Asks until it is so; the end of a daemon ends it too. */
async function until(isSo: () => Promise<boolean>, daemons: readonly ChildProcess[]): Promise<void> {
  while (!(await isSo())) {
    const ended = daemons.find(({ exitCode }) => exitCode !== null);
    if (ended) throw new Error(`${ended.spawnfile} ended with ${ended.exitCode}`);
    await delay(BETWEEN_QUESTIONS_MS);
  }
}

/** What sinfo says of the node; empty while the controller does not answer. */
async function nodeState(environment: Readonly<Record<string, string>>): Promise<string> {
  const sinfo = spawn("sinfo", ["--noheader", "--format=%T"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: environmentWith(environment),
  });
  let said = "";
  sinfo.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(sinfo, "close");
  return said;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "nothing";
  }
}
