// Runs every check and test of ./scripts/test, in order, and counts them. A check counts as one, a test as one.
// --group NAME: only that group; --without NAME: all but that group.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const python = process.env.DRPO_PYTHON ?? join(process.cwd(), ".venv/bin/python");
const vllmPython = process.env.DRPO_VLLM_PYTHON || join(process.cwd(), ".venv-vllm/bin/python");
const scratch = mkdtempSync(join(tmpdir(), "drpo-test-"));

const check = (name, command, options) => ({ name, command, ...options });
const inPython = { cwd: "server-images" };
// One configuration for all of the Python: the server, the scripts and what tests run. (mypy has its files there.)
const allPython = ["--config", "pyproject.toml", ".", "../scripts", "../tests"];
const checks = [
  check("generated code is that of proto/", ["scripts/generate-proto", "--check"]),
  check("eslint", ["npx", "eslint", "."]),
  check("prettier", ["npx", "prettier", "--check", "--log-level=warn", "."]),
  check("layers", ["npm", "run", "--silent", "layers"]),
  check("tsc", ["npm", "run", "--silent", "typecheck"]),
  check("build", ["npm", "run", "--silent", "build"]),
  check("docs/*.schema.json", ["node", "scripts/generate-recipe-schema.js", "--check"]),
  check("ruff", [python, "-m", "ruff", "check", ...allPython], inPython),
  check("ruff format", [python, "-m", "ruff", "format", "--check", ...allPython], inPython),
  check("mypy", [python, "-m", "mypy"], inPython),
  jest("jest", ["--testPathIgnorePatterns=/tests/vllm/", "--testPathIgnorePatterns=/tests/containers/"]),
  pytest("pytest", python, []),
];
// In the interpreter of vLLM; the plain pytest does not collect them.
const vllmChecks = [jest("jest vllm", ["tests/vllm/"]), pytest("pytest vllm", vllmPython, ["tests/vllm_sampler"])];
// They build images and run them, for longer than every commit should wait: only where they are asked for.
const containerChecks = [jest("jest containers", ["tests/containers/"])];
const groups = new Map(Object.entries({ vllm: vllmChecks, containers: containerChecks }));

/** The checks that the command line asks for. */
function chosen([flag, group]) {
  if (flag !== undefined && !groups.has(group)) throw new Error(`no such group: ${group}`);
  if (flag === "--group") return groups.get(group);
  return flag === "--without" ? checks : [...checks, ...vllmChecks];
}

function jest(name, options) {
  const report = join(scratch, `${name}.json`);
  const command = ["npm", "test", "--silent", "--", "--json", `--outputFile=${report}`, ...options];
  return check(name, command, { count: () => jestCounts(report) });
}

function pytest(name, interpreter, options) {
  const report = join(scratch, `${name}.xml`);
  const command = [interpreter, "-m", "pytest", "-q", `--junitxml=${report}`, ...options];
  return check(name, command, { ...inPython, count: () => pytestCounts(report) });
}

/** Suites that could not run have no tests, and count as one that failed. */
function jestCounts(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  // Tests whose tools are missing (Python, chromium, Slurm) are skipped: that is said, not hidden.
  if (report.numPendingTests > 0) console.log(`jest: ${report.numPendingTests} skipped`);
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
}

function pytestCounts(file) {
  const [, attributes] = /<testsuite ([^>]*)>/.exec(readFileSync(file, "utf8"));
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  return { passed: number("tests") - failed - number("skipped"), failed };
}

function run({ name, command, cwd = ".", count }) {
  console.log(`\n--- ${name}`);
  const [program, ...options] = command;
  // What tools print goes to standard error, so that the last line of standard output is the result.
  const { status, error } = spawnSync(program, options, { cwd, stdio: ["ignore", 2, 2] });
  if (error) console.error(error.message);
  const isDone = status === 0;
  let counts = { passed: isDone ? 1 : 0, failed: isDone ? 0 : 1 };
  try {
    if (count) counts = count();
  } catch (problem) {
    console.error(`${name} left no report: ${problem.message}`);
  }
  // A runner that ends badly although no test failed (coverage, a crash at its end) has failed nevertheless.
  if (!isDone && counts.failed === 0) counts = { ...counts, failed: 1 };
  console.log(`${name}: ${isDone ? "passed" : "FAILED"}`);
  return { name, ...counts };
}

try {
  const results = chosen(process.argv.slice(2)).map(run);
  const sum = (what) => results.reduce((total, result) => total + result[what], 0);
  const failed = results.filter((result) => result.failed > 0);
  if (failed.length > 0) console.log(`\nFailed: ${failed.map(({ name }) => name).join(", ")}`);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
