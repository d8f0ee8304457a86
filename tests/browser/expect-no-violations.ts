import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect } from "@jest/globals";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What is asked of every page: WCAG 2.2 A and AA, and axe's best practices. */
const OPTIONS: RunOptions = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

/**
 * Fails with rule, element and advice of each accessibility violation that axe finds in the page as it is now.
 * @param options which rules; the default takes some seconds
 */
export async function expectNoViolations(page: Page, options: RunOptions = OPTIONS): Promise<void> {
  // Evaluated from outside, so that the page's content security policy stays in force.
  await page.evaluate(await readFile(AXE, "utf8"));
  const results = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  const found = results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${String(target)}: ${failureSummary ?? ""}`),
  );
  expect(found).toEqual([]);
  expect(results.passes.length).toBeGreaterThan(0);
}
