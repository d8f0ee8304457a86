import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { writeReport } from "../../src/report/write-report.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { commit, evaluation, evaluationRows, recipe } from "../run/run-fixtures.js";

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
