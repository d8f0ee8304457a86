import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { type Dashboard, type DashboardOptions, startDashboard } from "../../src/dashboard/server/start-dashboard.js";
import type { OpenRunDirectory } from "../../src/run/open-run-directory.js";
import { buildOnce, ROOT } from "../commands/run-drpo.js";
import { writeIteration, writeRun } from "../dashboard/write-run.js";
import { commit, evaluation, evaluationRows, recipe } from "../run/run-fixtures.js";
import { expectNoViolations } from "./expect-no-violations.js";
import { hasChromium, openBrowser, type OpenBrowser, type OpenPage } from "./open-browser.js";

(hasChromium ? describe : describe.skip)("the dashboard's page", () => {
  let root: string;
  let live: OpenRunDirectory;
  let dashboard: Dashboard;
  let browser: OpenBrowser;

  const start = (options: Partial<DashboardOptions> = {}): Promise<Dashboard> =>
    startDashboard({
      ...{ root, shownRoot: "runs", version: "1", host: "127.0.0.1", port: 0, resetHere: null },
      ...{ pageFolder: join(ROOT, "dist/dashboard/browser"), ...options },
    });

  beforeAll(async () => {
    buildOnce();
    root = await mkdtemp(join(tmpdir(), "drpo-page-"));
    live = await writeRun(join(root, "live"), { iterations: 12, recipe: { ...recipe(), name: "reviews" } });
    const done = await writeRun(join(root, "sweep", "slow"), { iterations: 4, recipe: recipe(0.0005) });
    await done.end("done", null);
    await done.close();
    const failed = await writeRun(join(root, "sweep", "wild"), { iterations: 6, recipe: recipe(0.1) });
    await failed.end("failed", "The KL to SFT is above policy.maxKl.");
    await failed.close();
    await mkdir(join(root, "broken"));
    await writeFile(join(root, "broken", "recipe.json"), "{");
    dashboard = await start();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await live?.close();
    await rm(root, { recursive: true });
  });

  const visit = async (path: string, options: Parameters<OpenBrowser["openPage"]>[0] = {}): Promise<OpenPage> => {
    const opened = await browser.openPage(options);
    await opened.page.goto(dashboard.address + path);
    return opened;
  };
  const names = (page: Page) => page.locator("tbody th a").allInnerTexts();

  test("lists runs; search and sort are in the address", async () => {
    const { page, problems } = await visit("/");
    await page.getByRole("link", { name: "sweep/wild" }).waitFor();
    expect(new Set(await names(page))).toEqual(new Set(["broken", "live", "sweep/slow", "sweep/wild"]));
    await expectText(page.getByRole("row", { name: /broken/ }), /recipe\.json is damaged/);
    await page.getByRole("button", { name: "Score" }).click();
    await page.waitForURL(/order=score/);
    // The page is drawn after its address has changed.
    await page.locator('th[aria-sort="descending"]').waitFor();
    expect(await page.getByRole("columnheader", { name: "Score", exact: true }).getAttribute("aria-sort")).toBe(
      "descending",
    );
    expect(await names(page)).toEqual(["live", "sweep/wild", "sweep/slow", "broken"]);
    await page.keyboard.press("/");
    await page.keyboard.type("sweep");
    await page.getByText("2 of 4 runs").waitFor();
    await page.reload();
    await page.getByText("2 of 4 runs").waitFor();
    expect(await names(page)).toEqual(["sweep/wild", "sweep/slow"]);
    expect(problems).toEqual([]);
  });

  test("draws curves, and goes on with them without being loaded again", async () => {
    const { page, problems } = await visit("/runs/live");
    const entropy = page.getByRole("slider", { name: /^Entropy/ });
    await entropy.waitFor();
    expect(await entropy.getAttribute("aria-valuetext")).toMatch(/^Iteration 12: 1\.223/);
    await expectText(
      page.locator("figure", { hasText: "Entropy" }),
      /12 points, from 1\.882 at iteration 1 to 1\.223 at 12/,
    );
    expect(await paintedPixels(page, "figure canvas")).toBeGreaterThan(200);
    await page.evaluate("globalThis.isStillHere = true");
    await writeIteration(live, 13);
    await page.getByText("Iteration 13, score").waitFor({ state: "attached" });
    await page.locator("[role=slider][aria-valuemax='13']").first().waitFor();
    expect(await page.evaluate("globalThis.isStillHere")).toBe(true);
    expect(problems).toEqual([]);
  });

  test("looks at a part of the iterations that is dragged over, and back", async () => {
    const { page } = await visit("/runs/live");
    const over = page.locator("figure .u-over").first();
    const { x, y, width, height } = (await over.boundingBox())!;
    await page.mouse.move(x + width * 0.3, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.6, y + height / 2);
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.getByRole("button", { name: "Whole run" }).click();
    await page.waitForURL((url) => !url.search.includes("from"));
    await page.goBack();
    await page.getByRole("button", { name: "Whole run" }).waitFor();
  });

  test("lays runs over one another, with where their recipes differ", async () => {
    const { page, problems } = await visit("/");
    for (const name of ["sweep/slow", "sweep/wild"]) await page.getByLabel(`Compare ${name}`).check();
    await page.keyboard.press("c");
    await page.waitForURL(/compare\?run=sweep%2Fslow&run=sweep%2Fwild/);
    const row = page.getByRole("row", { name: /policy\.optimizer\.learningRate/ });
    await expectText(row, /0\.0005.*0\.1/s);
    const figure = page.locator("figure", { hasText: "Entropy" });
    await expectText(figure, /sweep\/slow: 4 points.*sweep\/wild: 6 points/s);
    expect(problems).toEqual([]);
  });

  test("opens a rollout by the keyboard: prefix, continuation, and each token's KL", async () => {
    const { page, problems } = await visit("/runs/live?tab=rollouts&iteration=3");
    await page.getByRole("link", { name: "0", exact: true }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/open=2-0/);
    await page.getByRole("heading", { name: "Rollout 2 of iteration 3" }).waitFor();
    const tokens = page.getByRole("option");
    await tokens.first().waitFor();
    expect(await page.locator(".token.prefix").count()).toBe(2);
    expect(await tokens.nth(2).getAttribute("aria-label")).toMatch(/, KL [+\u2212]\d/);
    await tokens.nth(2).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForURL(/cut=4/);
    await page.getByText("After 4 tokens of the response").waitFor();
    await page.getByText("drpo dashboard runs --server").waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.search.includes("open"));
    await page.goBack();
    await page.getByRole("heading", { name: "Rollout 2 of iteration 3" }).waitFor();
    await page.keyboard.press("ArrowRight");
    expect(problems).toEqual([]);
  });

  test("goes through iterations by the arrow keys, and sorts and searches their rollouts", async () => {
    const { page, problems } = await visit("/runs/live?tab=rollouts&iteration=3");
    const rows = page.locator("tbody a.open");
    await rows.first().waitFor();
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/iteration=4/);
    await page.getByRole("button", { name: "Score" }).click();
    await page.waitForURL(/order=score&descending=1/);
    await page.getByRole("row").nth(1).getByRole("link", { name: "5", exact: true }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("no such words");
    await page.getByText("0 of 6 rollouts").waitFor();
    expect(problems).toEqual([]);
  });

  test("tells its keys, and closes what tells them", async () => {
    const { page } = await visit("/");
    await page.getByRole("link", { name: "live" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await expectNoViolations(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });

  test("shows under the name of the best checkpoint what validation said of it, and where a response came from", async () => {
    const run = await writeRun(join(root, "sweep", "peaked"), { iterations: 4 });
    await run.writeEvaluation(evaluation(), evaluationRows());
    await run.appendMetrics({ stage: "validation", iteration: 5, metrics: { score: -1, kl: 77 } });
    await run.writeRollouts(5, []);
    await run.commit({ ...commit(5), best: commit(2).best });
    const { page, problems } = await visit("/runs/sweep%2Fpeaked?tab=evaluation");
    const facts = page.locator("dl.facts > div");
    await expectText(facts, /^Best checkpoint\s*iteration 2$/);
    await expectText(facts, /^Its score, validation\s*0\.221/);
    await expectText(facts, /^Score, validation of iteration 5\s*\u22121$/);
    await expectText(facts, /^KL to SFT, validation of iteration 5\s*77$/);
    await expectText(page.locator("table", { hasText: "The reward itself" }), /Reward accuracy.*81\.0 %/s);
    expect(await page.locator("table", { hasText: "Policy against others" }).innerText()).not.toMatch(/accuracy/);
    await page.goto(`${dashboard.address}/runs/sweep%2Fpeaked?tab=rollouts&iteration=3`);
    await expectText(page.locator("td.source"), /^response review-1$/);
    expect(problems).toEqual([]);
    await run.close();
    await rm(join(root, "sweep", "peaked"), { recursive: true });
  });

  const views = {
    runs: ["/", "sweep/wild"],
    run: ["/runs/live?smoothing=0.5", "Entropy"],
    compare: ["/compare?run=live&run=sweep%2Fwild", "Entropy"],
    rollout: ["/runs/live?tab=rollouts&iteration=3&open=2-0&cut=3", "Tokens as a table"],
    configuration: ["/runs/live?tab=configuration", "policy.klCoef"],
    broken: ["/runs/broken", "recipe.json is damaged"],
  } as const;
  test.each(Object.entries(views))(
    "%s: nothing stands in the way of anybody, light, dark and narrow",
    async (_, view) => {
      const [path, text] = view;
      const { page, problems } = await visit(path, { colorScheme: "light" });
      await page.getByText(text).first().waitFor();
      await expectNoViolations(page);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 390, height: 800 });
      await expectNoViolations(page);
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      expect(problems).toEqual([]);
      await page.context().close();
    },
  );

  test("asks for the token, takes it from the address or a field, and keeps it out of the address", async () => {
    const guarded = await start({ token: "secret" });
    const { page } = await browser.openPage();
    await page.goto(guarded.address);
    await page.getByLabel("Token").fill("another");
    await page.getByRole("button", { name: "Show the runs" }).click();
    await page.getByText("That was another token.").waitFor();
    await page.getByLabel("Token").fill("secret");
    await page.getByRole("button", { name: "Show the runs" }).click();
    await page.getByRole("link", { name: "live" }).waitFor();
    const other = await browser.openPage();
    await other.page.goto(`${guarded.address}/#token=secret`);
    await other.page.getByRole("link", { name: "live" }).waitFor();
    expect(other.page.url()).toBe(`${guarded.address}/`);
    await guarded.close();
  });
});

/** Waits until it has the text. */
async function expectText(locator: ReturnType<Page["locator"]>, text: RegExp): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor({ state: "attached" });
}

/** Pixels of the first such canvas that something was drawn on. */
const paintedPixels = (page: Page, selector: string): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
  })()`);
