import { spawn } from "node:child_process";

/** Opens an address in the user's browser; where there is none, nothing happens. */
export function openInBrowser(address: string): void {
  const commands: Partial<Record<NodeJS.Platform, readonly string[]>> = { darwin: ["open"], win32: ["explorer"] };
  const [command = "xdg-open", ...args] = commands[process.platform] ?? [];
  const child = spawn(command, [...args, address], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}
