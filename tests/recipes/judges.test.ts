import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readEvaluation, readEvaluationRows } from "../../src/run/read-evaluation.js";
import { type ChatServer, says, startChatServer } from "../judge/chat-server.js";
import { hasPython } from "../commands/tiny-project.js";
import { createTinyRecipeFolder, type RecipeFolder } from "./recipe-folder.js";

(hasPython ? describe : describe.skip)("a recipe's judges on the real server", () => {
  let folder: RecipeFolder;
  let chat: ChatServer;
  beforeAll(async () => {
    folder = createTinyRecipeFolder();
    chat = await startChatServer();
    // Likes the person's summary, wherever it stands: models of random weights write no such sentence.
    chat.always((request, answer) => {
      const [, first] = /Summary A:\n([^]*?)\n\nSummary B:/.exec(request.body.messages[0]!.content)!;
      says(`Comparison: one makes sense.\nPreferred: ${/\b(the|my|a) \w+ \w+/.test(first!) ? "A" : "B"}`)(
        request,
        answer,
      );
    });
  }, 60_000);
  afterAll(async () => {
    await chat.close();
    await folder.remove();
  });

  const succeed = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await folder.drpo(args);
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    return stdout;
  };

  test("a language model judges a summary recipe's run; a held-out reward model judges it later", async () => {
    const openai = { kind: "openai", model: "m", task: "summary", baseUrl: chat.url };
    const directory = join(folder.path, "run");
    const recipe = folder.recipe("tldr-pythia-2.8b-dpo-tiny");
    const judges = `evaluation.judges=${JSON.stringify([openai])}`;
    await succeed("train", recipe, "--run-dir", directory, "--set", judges, "--set", "evaluation.rollouts=12");
    const { policy, verdicts } = await readEvaluationRows(directory);
    expect(verdicts.map(({ row, judge, of, against }) => [row, judge, of, against])).toEqual(
      ["policy", "sft"].flatMap((of) => policy.map(({ row }) => [row, "m", of, "reference"])),
    );
    const asked = chat.requests.length;
    expect(asked).toBe(new Set(chat.requests.map(({ body }) => JSON.stringify(body))).size);
    expect(chat.requests[0]!.body.messages[0]!.content).toContain(policy[0]!.prompt.trim());

    const optimizer = { learningRate: 0.01 };
    const reward = { kind: "train", groupSize: 2, groupsPerBatch: 4, optimizer };
    const file = join(folder.path, "judges.json");
    await writeFile(file, JSON.stringify([openai, { kind: "rewardModel", reward }]));
    const stdout = await succeed("judge", directory, "--judges", file, "--against", "reference", "--against", "sft");
    expect(stdout).toMatch(/^m +policy +reference .*\nm +sft +reference .*\n/m);
    expect(stdout).toMatch(/^held-out-reward-model +policy +sft /m);
    const { winRates, agreement } = (await readEvaluation(directory))!;
    const judgedPairings = ["policy reference", "policy sft", "sft reference"];
    expect(winRates.map(({ judge, of, against }) => `${judge}: ${of} ${against}`).sort()).toEqual(
      ["held-out-reward-model", "m"].flatMap((name) => judgedPairings.map((pairing) => `${name}: ${pairing}`)),
    );
    expect(new Set(winRates.map(({ unjudged }) => unjudged))).toEqual(new Set([0]));
    expect(agreement.map(({ judges: pair }) => pair)).toEqual(judgedPairings.map(() => ["m", "held-out-reward-model"]));
    expect(agreement.map(({ of, against }) => `${of} ${against}`).sort()).toEqual(judgedPairings);
    // What the run asked is not asked again.
    const later = chat.requests.slice(asked).map(({ body }) => JSON.stringify(body));
    const before = new Set(chat.requests.slice(0, asked).map(({ body }) => JSON.stringify(body)));
    expect(later.filter((request) => before.has(request))).toEqual([]);
  }, 180_000);
});
