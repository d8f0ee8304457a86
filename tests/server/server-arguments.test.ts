import { expect, test } from "@jest/globals";
import { serverArguments } from "../../src/server/server-arguments.js";

const OPTIONS = { port: 0, threads: 0, device: "cpu", dtype: "float32", tokenBudget: 2048 } as const;
const ROOTS = { checkpointRoot: "/run/checkpoints", stageRoot: "/cache/stages" };

test("the server listens on this machine only and ends with its parent", () => {
  const line = serverArguments(OPTIONS, ROOTS).join(" ");
  expect(line).toContain("-m drpo_server --host=127.0.0.1 --port=0");
  expect(line).toContain("--exit-with-parent");
});

test("threads are given only if they were chosen", () => {
  expect(serverArguments(OPTIONS, ROOTS).join(" ")).not.toContain("--threads");
  expect(serverArguments({ ...OPTIONS, threads: 2 }, ROOTS)).toContain("--threads=2");
});

test("several processes are started by torchrun, on this machine only", () => {
  const line = serverArguments({ ...OPTIONS, processes: 4, activationCheckpointing: true }, ROOTS).join(" ");
  expect(line).toMatch(
    /^-m torch\.distributed\.run --standalone --nproc-per-node=4 -m drpo_server --host=127\.0\.0\.1 /,
  );
  expect(line).toContain(" --activation-checkpointing ");
});
