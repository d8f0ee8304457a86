import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BrowserContextOptions } from "playwright-core";
import { writeReport } from "../../src/report/write-report.js";
import { writeFixtureRun } from "../report/fixture-runs.js";
import { expectNoViolations } from "./expect-no-violations.js";
import { hasChromium, openBrowser, type OpenBrowser } from "./open-browser.js";

(hasChromium ? describe : describe.skip)("a report in a browser", () => {
  let folder: string;
  let address: string;
  let browser: OpenBrowser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "drpo-page-"));
    for (const seed of [1, 2]) {
      for (const [base, resetProportion] of [
        ["small-70m", 0] as const,
        ["small-70m", 1] as const,
        ["large-1b", 1] as const,
      ])
        await writeFixtureRun(folder, {
          ...{ name: `${base}-${resetProportion}-${seed}`, seed, resetProportion, base: `/bases/${base}` },
          ...{ score: 0.5 + resetProportion, kl: 8, iterations: 8, responses: 24 },
        });
    }
    const { page } = await writeReport({ directories: [folder], version: "0.1.0" });
    address = pathToFileURL(page).href;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  const open = async (options: BrowserContextOptions = {}) => {
    const { page, problems } = await browser.openPage(options);
    await page.goto(address);
    return { page, problems };
  };
  const paper = "getComputedStyle(document.body).backgroundColor";
  const width = "[document.documentElement.scrollWidth, innerWidth]";

  test.each(["light", "dark"] as const)(
    "in %s: nothing is wrong with it, folded parts included",
    async (colorScheme) => {
      const { page, problems } = await open({ colorScheme });
      await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
      await expectNoViolations(page);
      expect(problems).toEqual([]);
      expect(await page.evaluate(paper)).toBe(colorScheme === "dark" ? "rgb(21, 24, 27)" : "rgb(252, 252, 250)");
    },
  );

  test("rules of tables run through: no gap between the cells of a row", async () => {
    const { page } = await open();
    const borders = "[...document.querySelectorAll('table')].map((table) => getComputedStyle(table).borderCollapse)";
    const found = await page.evaluate<string[]>(borders);
    expect(found.length).toBeGreaterThan(5);
    expect(new Set(found)).toEqual(new Set(["collapse"]));
  });

  test("every section is there, every curve has points, and each point tells its value", async () => {
    const { page } = await open();
    const titles = await page.locator("h2").allInnerTexts();
    expect(titles).toEqual([
      ...["Results", "Reward against KL", "Reset proportion", "Size of the base", "Responses side by side"],
      ...["What judges say", "Learning curves", "Return by reset length", "Training rollouts"],
      ...["Configuration", "Versions and hashes", "To run it again"],
    ]);
    // Of every figure: how much room what it draws takes, and how many of its points say something.
    const figures = await page.evaluate<{ title: string; drawn: number; told: number }[]>(`
      [...document.querySelectorAll("figure")].map((figure) => ({
        title: figure.querySelector("b").textContent,
        drawn: Math.max(...[...figure.querySelectorAll("svg path, svg rect")].map((one) => one.getBoundingClientRect().width)),
        told: figure.querySelectorAll("svg title").length,
      }))`);
    expect(figures.length).toBeGreaterThan(12);
    for (const { drawn, told } of figures) {
      expect(drawn).toBeGreaterThan(50);
      expect(told).toBeGreaterThan(1);
    }
  });

  test("curves have their groups' colours, which change with the scheme", async () => {
    const stroke = `getComputedStyle(document.querySelector('#frontier svg [stroke="var(--c0)"]')).stroke`;
    const [light, dark] = await Promise.all(
      (["light", "dark"] as const).map(async (colorScheme) => (await open({ colorScheme })).page.evaluate(stroke)),
    );
    expect([light, dark]).toEqual(["rgb(11, 110, 105)", "rgb(79, 196, 184)"]);
  });

  test("on a phone nothing but wide tables scrolls sideways, and these do by keyboard", async () => {
    const { page } = await open({ viewport: { width: 390, height: 800 } });
    const [page_, window_] = await page.evaluate<[number, number]>(width);
    expect(page_).toBeLessThanOrEqual(window_);
    const table = page.getByRole("region", { name: "Results" });
    await table.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction("document.activeElement.scrollLeft > 0");
  });

  test("folded parts open by keyboard", async () => {
    const { page } = await open();
    const settings = page.locator("#configuration details").first();
    await settings.locator("summary").focus();
    await page.keyboard.press("Enter");
    expect(await settings.getAttribute("open")).not.toBeNull();
    expect(await settings.getByText("klCoef", { exact: true }).isVisible()).toBe(true);
  });

  test("on paper it is black on white, from a dark screen too, and no table is cut", async () => {
    const { page } = await open({ colorScheme: "dark", viewport: { width: 718, height: 1000 } });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate(paper)).toBe("rgb(255, 255, 255)");
    const [page_, window_] = await page.evaluate<[number, number]>(width);
    expect(page_).toBeLessThanOrEqual(window_);
    expect((await page.pdf({ format: "A4" })).subarray(0, 4).toString()).toBe("%PDF");
  });
});
