import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ModelHandle } from "../../src/domain/model.js";
import type { SampleContext } from "../../src/ports/sampler.js";
import { systemClock } from "../../src/rpc/clock.js";
import { connectModelServer, type ModelServerConnection } from "../../src/rpc/connect-model-server.js";
import { samplerEndpoint } from "../../src/rpc/sampler-endpoint.js";
import { checkpointPublisher } from "../../src/samplers/checkpoint-publisher.js";
import { createSamplerPool, type SamplerPool } from "../../src/samplers/sampler-pool.js";
import { type LocalServer, startLocalServer } from "../../src/server/local-server.js";
import { type RestartableServer, restartableServer } from "../../src/server/restartable-server.js";
import { startSampler } from "../../src/server/start-sampler.js";
import { hasPython, PYTHON } from "../commands/tiny-project.js";
import { ROOT } from "../commands/run-drpo.js";

const PARAMS = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [] };
const RUN = "run-1";
const process = {
  python: PYTHON,
  port: 0,
  threads: 1,
  device: "cpu",
  dtype: "float32",
  startTimeoutMs: 240_000,
} as const;

/** Real processes: one trainer, three samplers. */
(hasPython ? describe : describe.skip)("samplers that are killed and stopped in the middle of an iteration", () => {
  const folder = mkdtempSync(join(tmpdir(), "drpo-samplers-"));
  const base = join(folder, "base");
  const checkpointRoot = join(folder, "checkpoints");
  const notes: string[] = [];
  let local: LocalServer;
  let trainer: ModelServerConnection;
  let samplers: readonly RestartableServer[];
  let pool: SamplerPool;
  let policy: ModelHandle;

  beforeAll(async () => {
    execFileSync(PYTHON, [join(ROOT, "tests", "rpc", "write-tiny-base.py"), base], { stdio: "ignore" });
    samplers = [1, 2, 3].map((i) =>
      restartableServer((signal) =>
        startSampler({
          options: {
            kind: "local",
            engine: "torch",
            count: 1,
            threads: 1,
            device: "cpu",
            dtype: "float32",
            engineOptions: {},
          },
          ...{ trainerPython: PYTHON, startTimeoutMs: 240_000, base, weightsFrom: checkpointRoot, signal },
          ...{ folder: join(folder, `sampler-${i}`), logFile: join(folder, `sampler-${i}.log`) },
        }),
      ),
    );
    const starting = samplers.map((sampler) => sampler.running());
    const stageRoot = join(folder, "stages");
    local = await startLocalServer({
      options: process,
      checkpointRoot,
      stageRoot,
      logFile: join(folder, "trainer.log"),
    });
    await Promise.all(starting);
    trainer = await connectModelServer({ ...local, runId: RUN, base, silenceTimeoutMs: 60_000 });
    const { models, trainer: calls } = trainer.server;
    pool = createSamplerPool({
      endpoints: samplers.map((sampler, i) =>
        samplerEndpoint({ name: `s${i + 1}`, locate: () => sampler.running(), runId: RUN, silenceTimeoutMs: 4_000 }),
      ),
      publisher: checkpointPublisher({
        ...{ models, trainer: calls, folder: "checkpoints" },
        probeRows: [{ tokens: [5, 6, 7, 8, 9, 10], spanStart: 1, spanLength: 5 }],
      }),
      ...{ rows: 4, probeTolerance: 1e-4, clock: systemClock },
      progress: { note: (line) => void notes.push(line) },
    });
    const shape = { kind: "lora", rank: 4, alpha: 8, targetModules: [], lastBlocks: 2 } as const;
    const model = { base, shape, head: "language-model", trainable: true, seed: 7n } as const;
    policy = await models.createModel({ ...model, name: "policy" });
    await pool.open();
  }, 300_000);
  afterAll(async () => {
    await pool?.close().catch(() => undefined);
    trainer?.close();
    await Promise.all([local?.stop(), ...(samplers ?? []).map((sampler) => sampler.stop())]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test("the iteration ends, no row is lost or doubled, rollouts are those of undisturbed samplers, and both come back", async () => {
    const contexts = Array.from({ length: 60 }, (_, i): SampleContext => ({
      tokens: [2 + (i % 20), 3, 4 + (i % 7)],
      maxNewTokens: 40,
      firstPosition: 0,
      seeds: [BigInt(i), BigInt(1000 + i)],
    }));
    const request = { model: policy, contexts, params: PARAMS };
    const undisturbed = await pool.sample(request);
    expect(notes).toEqual([]);

    const [killed, stopped] = await Promise.all(samplers.map((sampler) => sampler.running()));
    const seen = new Map<string, number>();
    let parts = 0;
    const disturbed = await pool.sample(request, {
      onSampled(part) {
        for (const { contextIndex, continuationIndex } of part) {
          const place = `${contextIndex}/${continuationIndex}`;
          seen.set(place, (seen.get(place) ?? 0) + 1);
        }
        if (++parts !== 3) return;
        globalThis.process.kill(killed!.pid, "SIGKILL");
        globalThis.process.kill(stopped!.pid, "SIGSTOP");
      },
    });
    expect(disturbed).toEqual(undisturbed);
    expect(seen.size).toBe(120);
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
    expect(notes.filter((note) => note.includes("taken out")).sort()).toEqual([
      expect.stringMatching(/^sampler s1 is taken out: SamplerService/),
      expect.stringMatching(/^sampler s2 is taken out: .*no word for 4 s/),
    ]);

    globalThis.process.kill(stopped!.pid, "SIGCONT");
    while (notes.filter((note) => note.endsWith("is back.")).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await samplers[0]!.running()).pid).not.toBe(killed!.pid);
    expect(pool.infos).toHaveLength(3);
    expect(await pool.sample(request)).toEqual(undisturbed);
  }, 300_000);
});
