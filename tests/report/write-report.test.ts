import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { writeReport } from "../../src/report/write-report.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { commit, evaluation, evaluationRows, recipe, rollout } from "../run/run-fixtures.js";

const HOSTILE = `"'></script></title></style><script>alert(1)</script><img src="http://evil.example/x" onerror=alert(1)>`;

let directory: string;

beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "drpo-report-"))));
afterEach(() => rm(directory, { recursive: true }));

const openRun = () => openRunDirectory({ directory, recipe: recipe(), resume: false, versions: { drpo: "0.1.0" } });
const written = (...directories: readonly string[]) => writeReport({ directories, version: "0.1.0" });
const report = async () => readFile((await written(directory)).page, "utf8");

test("a finished run: results, responses, every metric there is, configuration and versions", async () => {
  const run = await openRun();
  await run.appendMetrics({ stage: "sft", iteration: 1, metrics: { loss: 3.25 } });
  for (const iteration of [1, 2]) {
    await run.appendMetrics({ stage: "policy", iteration, metrics: { score: iteration, myOwnMetric: 7 } });
    await run.appendMetrics({ stage: "warmUp", iteration, metrics: { heat: iteration } });
  }
  await run.commit(commit(2));
  await run.writeEvaluation(evaluation(), evaluationRows());
  await run.close();

  const page = await report();
  for (const part of ["+1.22", "74.2 %", "Lovely.", "My own metric", "Warm up", "Heat", "policy", "0.1.0", run.runId]) {
    expect(page).toContain(part);
  }
  expect(page).toContain("2 of 4 committed");
  expect(page).not.toMatch(/NaN|undefined|\[object/);
  // The same files give the same bytes.
  expect(await report()).toBe(page);
});

test("an id that is a number does not read as a count, and one token is one token", async () => {
  const run = await openRun();
  const from = (row: number, prefix: readonly number[], sourceId: string | null) => ({
    ...rollout,
    reset: { ...rollout.reset, row, prefix, sourceId },
  });
  await run.writeRollouts(1, [from(0, [1, 2, 3, 4, 5], "2341"), from(1, [1], null), from(2, [], null)]);
  await run.commit(commit(1));
  await run.close();
  const text = (await report()).replaceAll(/\s+/g, " ");
  expect(text).toContain(
    "rollout 0 of iteration 1: reset after 5 tokens of the response with id “2341”, 2 tokens generated",
  );
  expect(text).toContain("rollout 1 of iteration 1: reset after 1 token of an earlier rollout, 2 tokens generated");
  expect(text).toContain("rollout 2 of iteration 1: starts at the prompt, 2 tokens generated");
  expect(text).not.toMatch(/tokens of 2341/);
});

test("charts of a single run say which checkpoint their number is of: of validation the best, elsewhere the last", async () => {
  const run = await openRun();
  for (const iteration of [1, 2, 3]) {
    await run.appendMetrics({ stage: "policy", iteration, metrics: { entropy: 3 - iteration / 4 } });
    await run.appendMetrics({ stage: "validation", iteration, metrics: { score: iteration === 2 ? 0.875 : 0.125 } });
  }
  await run.commit({ ...commit(3), best: commit(2).best });
  await run.writeEvaluation({ ...evaluation(), bestIteration: 2 }, evaluationRows());
  await run.close();
  const text = (await report()).replaceAll(/\s+/g, " ");
  expect(text).toMatch(/<b>Score<\/b> <span class="last">0\.875 \(best\)<\/span>/);
  expect(text).toMatch(/<b>Entropy<\/b> <span class="last">2\.25 \(last\)<\/span>/);
  expect(text).toMatch(/<dt>Evaluated checkpoint<\/dt> <dd>iteration 2<\/dd>/);
});

test("nothing that a model, a recipe or a metric says becomes markup, and nothing is loaded", async () => {
  const run = await openRunDirectory({
    directory,
    recipe: { ...recipe(), name: HOSTILE },
    resume: false,
    versions: { [HOSTILE]: HOSTILE },
  });
  await run.appendMetrics({ stage: HOSTILE, iteration: 1, metrics: { [HOSTILE]: 1 } });
  const rows = evaluationRows([HOSTILE, "other"].map((prompt) => ({ prompt, sft: HOSTILE, policy: HOSTILE })));
  const winRates = evaluation().winRates.map((one) => ({ ...one, judge: HOSTILE, against: HOSTILE }));
  await run.writeEvaluation({ ...evaluation(), winRates }, rows);
  await run.close();
  await appendFile(join(directory, "journal.jsonl"), `${HOSTILE}\n`);

  const page = await report();
  expect(page.match(/<script|<img|<link|<iframe|javascript:|@import|url\(/gi)).toBeNull();
  // Of the document; each point has a title too, and nothing else is drawn with one.
  expect(page.match(/<style\b/g)).toHaveLength(1);
  expect(page.match(/<title\b/g)).toHaveLength(1 + page.match(/<title>[^<]*<\/title><\/(circle|rect|line)>/g)!.length);
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
});

test("a run under way, and broken parts by name", async () => {
  const run = await openRun();
  await appendFile(join(directory, "metrics.jsonl"), "garbage\n");
  const page = await report();
  expect(page).toContain("No run has an evaluation yet.");
  expect(page).toContain("0 of 4 committed");
  expect(page).toMatch(/Not everything could be read[\s\S]*metrics\.jsonl: 1 lines are damaged/);
  await run.close();
});

test("a folder without a run is refused", async () => {
  await expect(written(directory)).rejects.toThrow(BadInputError);
});
