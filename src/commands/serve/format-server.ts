import type { ServerInfo } from "../../ports/model-store.js";
import { colorsOf, type CommandContext } from "../command-context.js";
import type { ServerReading } from "./read-server.js";

const GIB = 2 ** 30;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** A server for a terminal: a line that says how it is, and what it is. */
export function formatServer(reading: ServerReading, context: CommandContext): string {
  const { green, red, bold, dim } = colorsOf(context.stdout, context);
  const { name, address, info, problem } = reading;
  const state = info !== null ? green("serving") : reading.state === "ended" ? dim("ended") : red("not answering");
  const lines = [
    `${bold(name ?? address)}: ${state}${name === null ? "" : ` on ${address}`}`,
    ...(info === null ? [] : describeServer(info)),
    ...placeLines(reading),
    ...(problem === null || reading.state === "ended" ? [] : [problem]),
  ];
  return lines.join("\n  ");
}

/** What a server says of itself, in lines. */
export function describeServer(info: ServerInfo): readonly string[] {
  const where = info.device === "cpu" ? `cpu (${info.computeThreads} threads)` : info.device;
  const processes = info.processes > 1 ? `, ${info.processes} processes` : "";
  return [
    `${info.engine} on ${where}, ${info.dtype}${processes}; drpo_server ${info.serverVersion}`,
    `can: ${info.capabilities.join(", ")}`,
    `memory: ${gib(info.memoryAvailableBytes)} free of ${gib(info.memoryTotalBytes)}`,
    `bases: ${info.residentBases.length > 0 ? info.residentBases.join(", ") : "none loaded yet"}`,
  ];
}

function placeLines({ place, startedAt }: ServerReading): readonly string[] {
  if (place === null) return [];
  const since = `since ${startedAt}`;
  return place.kind === "process"
    ? [`process ${place.process.pid} of ${place.process.host}, ${since}`, `log: ${place.log}`]
    : [`${place.tool} container ${place.id.slice(0, 12)} of ${place.image}, ${since}`];
}
