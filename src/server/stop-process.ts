/** SIGTERM, and SIGKILL if the process is still there after `graceMs`. @returns once it has ended. */
export const stopProcess = async (
  child: { kill(signal: "SIGTERM" | "SIGKILL"): boolean },
  ended: Promise<unknown>,
  graceMs: number,
): Promise<void> => {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended;
  clearTimeout(timer);
};
