import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** The address in the line `{"event":"serving","address":"127.0.0.1:50051"}`; undefined for any other line. */
export const parseServingLine = (line: string): string | undefined => {
  if (!line.startsWith("{")) return undefined;
  try {
    const event = JSON.parse(line) as { readonly event?: unknown; readonly address?: unknown };
    return event.event === "serving" && typeof event.address === "string" ? event.address : undefined;
  } catch {
    return undefined;
  }
};

/** Reads a server's standard output to its end, so that it never blocks. @returns the address, once it is said. */
export const servingAddress = (stdout: Readable): Promise<string> =>
  new Promise((resolve) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const address = parseServingLine(line);
      if (address !== undefined) resolve(address);
    });
  });
