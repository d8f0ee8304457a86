import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { samplerSchema } from "../../src/config/samplers.js";
import type { LocalServer } from "../../src/server/local-server.js";
import { startSampler } from "../../src/server/start-sampler.js";
import { ROOT } from "../commands/run-drpo.js";
import { createTinyProject, PYTHON, type TinyProject } from "../commands/tiny-project.js";
import { startWithholdingProxy, type WithholdingProxy } from "./withholding-proxy.js";

/** Sizes of heads that vLLM has kernels for on CPUs begin at 32. */
const HEADS = "1";

let project: TinyProject;
let sampler: LocalServer;
let proxy: WithholdingProxy;
let withholding = true;

beforeAll(async () => {
  project = await createTinyProject();
  const base = join(project.folder, "base");
  execFileSync(PYTHON, [join(ROOT, "tests", "rpc", "write-tiny-base.py"), base, HEADS], { stdio: "ignore" });
  const options = samplerSchema.parse({ kind: "local", engine: "vllm", threads: 1 });
  if (options.kind !== "local") throw new Error("it is local");
  sampler = await startSampler({
    ...{ options, base, startTimeoutMs: 600_000, weightsFrom: join(project.folder, "run", "checkpoints") },
    ...{ folder: join(project.folder, "sampler"), logFile: join(project.folder, "sampler.log") },
  });
  proxy = await startWithholdingProxy(sampler.address, ({ optimizerStep }) => withholding && optimizerStep > 0n);
}, 700_000);
afterAll(async () => {
  proxy?.close();
  await sampler?.stop();
  await project?.remove();
});

const train = (address: string) => {
  const samplers = JSON.stringify([{ kind: "remote", address }]);
  return project.drpo(["train", "recipe.json", "--run-dir", "run", "--set", `server.samplers=${samplers}`], {
    environment: { DRPO_SERVER_TOKEN: sampler.token },
  });
};

test("a sampler that was not given the update is found out by the probe; with the update the run goes on", async () => {
  const deceived = await train(proxy.address);
  expect(proxy.withheld.length).toBeGreaterThan(0);
  const { optimizerStep, weightsHash } = proxy.withheld[0]!;
  expect(deceived.stderr).toContain(`${proxy.address} and the trainer disagree about policy`);
  expect(deceived.stderr).toContain(`optimiser step ${optimizerStep}, weights ${weightsHash.slice(0, 12)}`);
  expect(deceived.stderr).toContain("server.probeTolerance is 0.001");
  expect(deceived.exitCode).toBe(3);

  withholding = false;
  const honest = await project.drpo(["train", "--resume", "--run-dir", "run"], {
    environment: { DRPO_SERVER_TOKEN: sampler.token },
  });
  expect(honest.stderr).toMatch(/samplers: 1 x vllm 0\.32\.0 on cpu/);
  expect(honest.exitCode).toBe(0);
}, 600_000);
