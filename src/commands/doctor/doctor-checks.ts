import { existsSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { freemem, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { execa, ExecaError } from "execa";
import { loadRecipe } from "../../config/load-recipe.js";
import { packagedFile } from "../../config/packaged-file.js";
import { refuseUnwritable, type WantedFolder } from "../../durable-files/writable-folder.js";
import { BadInputError, DrpoError } from "../../errors.js";
import type { ServerInfo } from "../../ports/model-store.js";
import { registeredRecipeSchema } from "../registry.js";
import { PACKAGE_ROOT } from "../../server/package-root.js";

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly isOk: boolean;
  readonly found: string;
  /** What to do about it; only of a problem. */
  readonly mend?: string;
  /** What could be done, of something that not everybody needs. */
  readonly hint?: string;
  /** Of a server: what it says of itself. */
  readonly info?: ServerInfo;
  /** Of a text: mean log-probability of a token, nats. */
  readonly meanLogprob?: number;
  /** Of two servers: mean absolute difference of a token's log-probabilities, nats. */
  readonly meanDifference?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const GIB = 2 ** 30;
/** What the quickstart needs at its peak, all processes together. */
const MEMORY_NEEDED = 6 * GIB;
/** Python packages (1.2 GB), model (0.6 GB), checkpoints. */
const DISK_NEEDED = 4 * GIB;
const PYTHON_PROBE = `
import json, sys
if sys.version_info < (3, 11):
    print(json.dumps({"python": sys.version.split()[0]})); sys.exit()
from importlib import import_module
from importlib.metadata import version
for name in ("grpc", "grpc_health", "grpc_reflection", "google.protobuf", "safetensors", "torch", "transformers", "drpo_server"):
    import_module(name)
print(json.dumps({"python": sys.version.split()[0], "torch": version("torch"), "transformers": version("transformers")}))
`;

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** @param version as process.versions.node has it */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOk = major > 20 || (major === 20 && minor >= 11);
  const finding = { name: "Node", isOk, found: version };
  return isOk ? finding : { ...finding, mend: "Install Node 20.11 or newer: https://nodejs.org" };
}

/** The interpreter, and that it can import what the model server does. */
export async function checkPython(find: () => string, environment: Environment): Promise<Finding> {
  const name = "Python";
  const script = packagedFile("scripts/setup");
  const setup = `Run ${script}, or set DRPO_PYTHON to an interpreter that has the packages of the model server.`;
  let python: string;
  try {
    python = find();
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    return { name, isOk: false, found: error.message, mend: setup };
  }
  const PYTHONPATH = [join(PACKAGE_ROOT, "server-images"), environment["PYTHONPATH"]].filter(Boolean).join(delimiter);
  try {
    const { stdout } = await execa(python, ["-c", PYTHON_PROBE], {
      extendEnv: false,
      env: { ...environment, PYTHONPATH },
    });
    const versions = JSON.parse(stdout) as Readonly<Record<string, string>>;
    if (versions["torch"] === undefined) {
      const mend = `Install Python 3.11 or newer, move .venv away, and run ${script}.`;
      return { name, isOk: false, found: `${python} is ${versions["python"]}`, mend };
    }
    const found = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
    return { name, isOk: true, found: `${found.join(", ")} (${python})` };
  } catch (error) {
    // The last line of a traceback says what is missing.
    if (!(error instanceof ExecaError)) throw error;
    const why =
      String(error.stderr ?? "")
        .trim()
        .split("\n")
        .at(-1) || error.originalMessage;
    return { name, isOk: false, found: `${python}: ${why}`, mend: setup };
  }
}

/** Memory that is free for the quickstart, a container's limit taken into account. */
export function checkMemory(free = freemem(), total = totalmem(), limit = process.constrainedMemory()): Finding {
  const capacity = limit > 0 && limit < total ? limit : total;
  const available = Math.min(free, capacity);
  const isOk = available >= MEMORY_NEEDED;
  const finding = { name: "memory", isOk, found: `${gib(available)} free of ${gib(capacity)}` };
  return isOk
    ? finding
    : {
        ...finding,
        mend: `The quickstart takes up to ${gib(MEMORY_NEEDED)}: end other programs, or use a server elsewhere.`,
      };
}

/** The recipe, and that the files are there that it names. */
export async function checkRecipe(path: string): Promise<Finding> {
  const name = `recipe ${path}`;
  try {
    await loadRecipe(path, registeredRecipeSchema);
    return { name, isOk: true, found: "its options fit, and its files are there" };
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return { name, isOk: false, found: error.message, mend: "Correct the recipe, or put the files where it looks." };
  }
}

export function checkDisk(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const isOk = free >= DISK_NEEDED;
  const finding = { name: "disk", isOk, found: `${gib(free)} free in ${folder}` };
  return isOk ? finding : { ...finding, mend: `Make room for ${gib(DISK_NEEDED)}: packages, model and checkpoints.` };
}

/** Where stages are kept, whatever the run: a folder that can be written. */
export async function checkCache(cache: () => WantedFolder): Promise<Finding> {
  const name = "cache";
  try {
    const folder = cache();
    await refuseUnwritable([folder]);
    return { name, isOk: true, found: `${folder.path} can be written` };
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    return { name, isOk: false, found: error.message, mend: "Set DRPO_CACHE_DIR to a folder that can be written." };
  }
}

/** A local server listens on a port of 127.0.0.1 that the system chooses. */
export function checkPort(): Promise<Finding> {
  const name = "ports";
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) =>
      resolve({ name, isOk: false, found: error.message, mend: "Allow programs to listen on 127.0.0.1." }),
    );
    server.listen(0, "127.0.0.1", () =>
      server.close(() => resolve({ name, isOk: true, found: "127.0.0.1 can be listened on" })),
    );
  });
}

/** Model and data of the quickstart: of use to whoever wants to run it, and no problem to others. */
export function checkAssets(root = PACKAGE_ROOT): Finding {
  const needed = ["smollm2-135m-instruct/model.safetensors", "hutto-2014/movies.jsonl"];
  const missing = needed.filter((path) => !existsSync(join(root, "assets", path)));
  const name = "assets";
  if (missing.length === 0) return { name, isOk: true, found: `in ${join(root, "assets")}` };
  return {
    name,
    isOk: true,
    found: "the quickstart's model and data are not there",
    hint: `To run the quickstart's recipe, fetch them: ${packagedFile("scripts/fetch-assets")}`,
  };
}
