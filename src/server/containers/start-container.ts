import { setTimeout as delay } from "node:timers/promises";
import { BadInputError, EnvironmentError, InterruptedError } from "../../errors.js";
import { parseServingLine } from "../serving-address.js";
import { containerArguments, type ContainerRequest, IN_CONTAINER } from "./container-arguments.js";
import type { ContainerCli } from "./container-cli.js";
import { containerState } from "./container-state.js";

const POLL_MS = 500;
const LAST_LINES = 12;
/** The server's own exit code for arguments that it does not take. */
const BAD_ARGUMENTS = 2;

/**
 * Starts a server in a container, and waits until it serves.
 * @returns the container's id, and host:port on this machine
 * @throws EnvironmentError if the tool fails, or the server ends or takes longer than it may: the container is then
 * removed; BadInputError if the server refused its arguments; InterruptedError
 */
export async function startContainer(
  cli: ContainerCli,
  request: ContainerRequest,
  options: {
    /** Values of the variables that the container gets. */
    readonly secrets: Readonly<Record<string, string | undefined>>;
    readonly startTimeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly id: string; readonly address: string }> {
  const { secrets, startTimeoutMs, signal } = options;
  const id = await cli.ask(containerArguments(request), secrets);
  try {
    const giveUpAt = Date.now() + startTimeoutMs;
    for (;;) {
      // Asked before the log is read: a server that has ended will say no more.
      const state = await containerState(cli, id);
      const log = await cli.ask(["logs", id]);
      if (log.split("\n").some((line) => parseServingLine(line) !== undefined) && state?.isRunning === true)
        return { id, address: await publishedAddress(cli, id) };
      if (state?.isRunning !== true) throw await earlyEnd(cli, id, state?.exitCode);
      if (signal.aborted)
        throw new InterruptedError("Interrupted while the server was starting: its container was removed.");
      if (Date.now() > giveUpAt)
        throw new EnvironmentError(
          `The server in the container did not serve within ${startTimeoutMs / 1000} s, so it was removed. If it was only slow, ` +
            `raise --start-timeout. It said last:\n${await lastLines(cli, id)}`,
        );
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } catch (error) {
    await cli.ask(["rm", "--force", id]).catch(() => undefined);
    throw error;
  }
}

/** docker answers a line for each protocol: the first is IPv4's. By its name, as TLS knows no addresses (RFC 6066). */
async function publishedAddress(cli: ContainerCli, id: string): Promise<string> {
  const [address] = (await cli.ask(["port", id, `${IN_CONTAINER.port}/tcp`])).split("\n");
  if (!address) throw new EnvironmentError(`${cli.tool} published no port of container ${id}.`);
  return address.trim().replace(/^127\.0\.0\.1(?=:)/, "localhost");
}

async function earlyEnd(cli: ContainerCli, id: string, exitCode: number | undefined): Promise<Error> {
  const said = await lastLines(cli, id);
  if (exitCode === BAD_ARGUMENTS) return new BadInputError(`The model server refused: ${said.split("\n").at(-1)}`);
  return new EnvironmentError(
    `The server in the container ended with exit code ${exitCode} before it served:\n${said}`,
  );
}

/** What it wrote last, on either stream. */
const lastLines = (cli: ContainerCli, id: string): Promise<string> => cli.askAll(["logs", `--tail=${LAST_LINES}`, id]);
