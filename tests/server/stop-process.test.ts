import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { stopProcess } from "../../src/server/stop-process.js";

const start = async (program: string) => {
  const child = spawn(process.execPath, ["-e", `${program}; console.log("ready"); setInterval(() => {}, 1e6)`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  await once(child.stdout, "data");
  return { child, ended };
};

test("a process that listens ends by SIGTERM", async () => {
  const { child, ended } = await start("");
  await stopProcess(child, ended, 60_000);
  expect(child.signalCode).toBe("SIGTERM");
});

test("one that does not listen is killed", async () => {
  const { child, ended } = await start('process.on("SIGTERM", () => {})');
  await stopProcess(child, ended, 20);
  expect(child.signalCode).toBe("SIGKILL");
});

test("one that has ended already stays so", async () => {
  const { child, ended } = await start("");
  await stopProcess(child, ended, 60_000);
  await stopProcess(child, ended, 60_000);
  expect(child.signalCode).toBe("SIGTERM");
});
