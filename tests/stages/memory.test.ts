import { expect, test } from "@jest/globals";
import { EnvironmentError } from "../../src/errors.js";
import type { MemoryPlan, MemoryRequest } from "../../src/ports/memory-plan.js";
import { plannedMemory } from "../../src/stages/planned-memory.js";
import { refuseTooLittleMemory } from "../../src/stages/refuse-too-little-memory.js";
import type { OpenRun } from "../../src/stages/run-context.js";
import { tinyRecipe } from "./tiny-run.js";

const GIB = 2 ** 30;

/** One prompt of 3 tokens, a response of 9 to it. */
const openRun = (recipe = tinyRecipe(), others: Partial<OpenRun> = {}): OpenRun => {
  const prompt = [1, 2, 3];
  const responses = [{ id: "a", prompt, response: [1, 2, 3, 4, 5, 6, 7, 8, 9], rating: 1 }];
  const groups = [{ id: "a", promptText: "?", prompt, responses, reference: null }];
  const run = {
    ...{ recipe, data: { train: groups, heldOut: groups }, evaluationGroups: groups, judges: [], call: {} },
    ...{ tokenizerInfo: { contextTokens: 100 }, algorithm: { needsCritic: true } },
    ...others,
  };
  return run as unknown as OpenRun;
};

test("the models and the longest rows of a recipe", () => {
  const planned = plannedMemory(openRun());
  expect(planned.models.map(({ name, head, trainable }) => [name, head, trainable])).toEqual([
    ["reference", "language-model", false],
    ["policy", "language-model", true],
    ["critic", "scalar", true],
    ["reward-model", "scalar", false],
  ]);
  // SFT and the reward model learn from whole responses; 4 tokens are sampled; 200 rows are evaluated at once.
  expect(planned).toMatchObject({ trainingRowTokens: 12, keptRows: 32, samplingRows: 200, samplingRowTokens: 7 });
});

test("a reward model in a folder of its own is a full copy; without a critic there is none", () => {
  const recipe = tinyRecipe({ reward: { kind: "folder", path: "/models/reward" } });
  const { models } = plannedMemory(openRun(recipe, { algorithm: null }));
  expect(models.map(({ name }) => name)).toEqual(["reference", "policy", "reward-model"]);
  expect(models[2]).toMatchObject({ base: "/models/reward", shape: { kind: "full" } });
});

const answering = (plan: MemoryPlan, heard: { request?: MemoryRequest; notes: string[] }): OpenRun =>
  openRun(tinyRecipe(), {
    progress: { note: (line: string) => heard.notes.push(line) } as unknown as OpenRun["progress"],
    server: {
      models: {
        planMemory: (request: MemoryRequest) => {
          heard.request = request;
          return Promise.resolve(plan);
        },
      },
    } as unknown as OpenRun["server"],
  });

const PLAN: MemoryPlan = {
  items: [
    { kind: "weights", owner: "pythia-2.8b", bytes: 5 * GIB },
    { kind: "activations", owner: "policy", bytes: 20 * GIB },
  ],
  ...{ totalBytes: 25 * GIB, availableBytes: 16 * GIB, fits: false, advice: "It fits with --token-budget 512." },
};

test("what does not fit is refused with all of it", async () => {
  const heard = { notes: [] };
  const refusal = refuseTooLittleMemory(answering(PLAN, heard));
  await expect(refusal).rejects.toThrow(EnvironmentError);
  await expect(refusal).rejects.toThrow(
    /needs 25\.00 GiB at once, 16\.00 GiB are available(.|\n)*weights +pythia-2\.8b +5\.00 GiB\n(.|\n)*activations +policy +20\.00 GiB\n(.|\n)*--token-budget 512(.|\n)*server\.tokenBudget/,
  );
  expect(heard.notes).toEqual([]);
});

test("what fits is noted in one line", async () => {
  const heard: { notes: string[] } = { notes: [] };
  await refuseTooLittleMemory(answering({ ...PLAN, availableBytes: 64 * GIB, fits: true }, heard));
  expect(heard.notes).toEqual(["memory: about 25.00 GiB of 64.00 GiB will be needed"]);
});
