import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ResetHereAnswer, ResetHereBody, RolloutDetail, RolloutPage } from "../../src/dashboard/api.js";
import type { StartedDrpo } from "../commands/run-drpo.js";
import { createTinyProject, hasPython, type TinyProject } from "../commands/tiny-project.js";
import { expectNoViolations } from "./expect-no-violations.js";
import { hasChromium, openBrowser, type OpenBrowser } from "./open-browser.js";

/** A run that was trained on the real server, and a dashboard that starts one for it. */
(hasChromium && hasPython ? describe : describe.skip)("reset here", () => {
  let project: TinyProject;
  let dashboard: StartedDrpo;
  let address: string;
  let browser: OpenBrowser;

  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    const trained = await project.drpo(["train", "recipe.json", "--run-dir", join("runs", "tiny")]);
    expect(trained).toMatchObject({ exitCode: 0 });
    dashboard = project.start(["dashboard", "runs", "--server", "--port", "0", "--json"]);
    [, address] = (await dashboard.says(/"address": "(.+)"/)) as unknown as [string, string];
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await project?.remove();
  });

  const get = async <T>(path: string): Promise<T> =>
    (await fetch(`${address}/api/runs/tiny${path}`)).json() as Promise<T>;
  const resetHere = async (body: Partial<ResetHereBody>): Promise<{ status: number; answer: ResetHereAnswer }> => {
    const asked = {
      row: 0,
      continuation: 0,
      iteration: 4,
      policy: "last",
      number: 4,
      temperature: null,
      seed: 1,
      ...body,
    };
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(asked) };
    const response = await fetch(`${address}/api/runs/tiny/reset-here`, request);
    return { status: response.status, answer: (await response.json()) as ResetHereAnswer };
  };

  test("shows what the policy writes from a state of a response, and what it scores", async () => {
    const { page, problems } = await browser.openPage();
    await page.goto(`${address}/runs/tiny?tab=rollouts&iteration=4&open=0-0`);
    await page.getByRole("option").first().click();
    await page.getByText("After 1 token of the response").waitFor();
    await page.getByLabel("Continuations").fill("6");
    await page.getByRole("button", { name: "Reset here" }).click();
    await page.getByText(/Mean score .* of 6; this response has/).waitFor({ timeout: 60_000 });
    const rows = page.getByRole("table", { name: "Continuations, the best first" }).locator("tbody tr");
    expect(await rows.count()).toBe(6);
    const scores = (await rows.locator("td:first-child").allInnerTexts()).map((text) =>
      Number(text.replace("\u2212", "-")),
    );
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(page.url()).toMatch(/cut=1.*number=6/);
    await expectNoViolations(page);
    expect(problems).toEqual([]);
  });

  test("gives the same for the same seed, and other ones for another", async () => {
    const first = await resetHere({ cut: 0 });
    expect(first).toMatchObject({ status: 200, answer: { iteration: 4, temperature: 1, promptText: "w1 w2" } });
    expect((await resetHere({ cut: 0 })).answer).toEqual(first.answer);
    expect((await resetHere({ cut: 0, seed: 2 })).answer).not.toEqual(first.answer);
    const { mean, continuations } = first.answer;
    expect(mean).toBeCloseTo(continuations.reduce((sum, { score }) => sum + score, 0) / 4, 9);
  });

  test("scores as the run does: a continuation that is the original has its score", async () => {
    const { rows } = await get<RolloutPage>("/rollouts?iteration=4");
    let compared = 0;
    for (const { row, continuation } of rows) {
      const rollout = await get<RolloutDetail>(`/rollouts/4/${row}/${continuation}`);
      const cut = rollout.tokens.length - 1;
      const { answer } = await resetHere({ row, cut, number: 64 });
      const kept = rollout.tokens.slice(0, cut).map(({ piece }) => piece);
      const same = answer.continuations.filter(
        ({ text, tokens, finishReason }) =>
          tokens === 1 && finishReason === rollout.finishReason && kept.join("") + text === rollout.text,
      );
      for (const { score } of same) expect(score).toBeCloseTo(rollout.score, 4);
      compared += same.length;
    }
    expect(compared).toBeGreaterThan(0);
  });

  test("refuses a state that nothing comes after, and ends with its server on Ctrl-C", async () => {
    const { rows } = await get<RolloutPage>("/rollouts?iteration=4");
    const { row, prefixTokens, generatedTokens } = rows[0]!;
    const { status, answer } = await resetHere({ row, cut: prefixTokens + generatedTokens });
    expect(status).toBe(400);
    expect(JSON.stringify(answer)).toMatch(/has ended here|nothing is left of the response's budget/);
    dashboard.kill("SIGINT");
    expect((await dashboard.ended).exitCode).toBe(0);
  });
});
