import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { buildOnce, ROOT, startNode } from "./run-drpo.js";

/** The package as npm would install it: its own files, and the dependencies that it declares. */
describe("the npm package", () => {
  let folder: string;
  let files: readonly string[];
  let installed: string;

  beforeAll(() => {
    buildOnce();
    folder = mkdtempSync(join(tmpdir(), "drpo-pack-"));
    const pack = ["pack", "--ignore-scripts", "--json", "--loglevel=error", `--pack-destination=${folder}`];
    const [packed] = JSON.parse(execFileSync("npm", pack, { cwd: ROOT, encoding: "utf8" })) as [
      { readonly filename: string; readonly files: readonly { readonly path: string }[] },
    ];
    files = packed.files.map(({ path }) => path);
    installed = join(folder, "app", "node_modules", "drpo");
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, packed.filename), "-C", installed, "--strip-components=1"]);
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    for (const name of Object.keys(dependencies)) {
      const link = join(folder, "app", "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, "node_modules", name), link);
    }
    mkdirSync(join(folder, "elsewhere"));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("has the server, the proto, the recipes and the scripts, and no tests", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        ...[
          "dist/cli.js",
          "dist/index.js",
          "dist/dashboard/browser/main.js",
          "dist/dashboard/browser/dashboard.css",
          "prompts/judge-summary.txt",
          "docs/recipe.schema.json",
          "proto/drpo/v1/common.proto",
          "recipes/reviews.json",
        ],
        ...[
          "server-images/drpo_server/__main__.py",
          "server-images/requirements.lock",
          "scripts/setup",
          "scripts/setup-vllm",
          "scripts/fetch-assets",
        ],
      ]),
    );
    expect(
      files.filter((path) => /(^|\/)(tests|__pycache__|\.\w+_cache|node_modules|assets|runs)\//.test(path)),
    ).toEqual([]);
  });

  test("names scripts and recipes as they can be typed where the user is", async () => {
    const cli = join(installed, "dist", "cli.js");
    const app = join(folder, "app");
    const elsewhere = join(folder, "elsewhere");
    const environment = { DRPO_PYTHON: "/nonexistent/python" };
    const doctor = async (cwd: string) => (await startNode([cli, "doctor"], { cwd, environment }).ended).stdout;
    const train = async (cwd: string) => (await startNode([cli, "train"], { cwd }).ended).stderr;
    const inApp = `${await doctor(app)}\n${await train(app)}`;
    const outside = `${await doctor(elsewhere)}\n${await train(elsewhere)}`;
    for (const [text, cwd] of [
      [inApp, app],
      [outside, elsewhere],
    ] as const) {
      const named = [...text.matchAll(/[^\s(]*\/(?:scripts|recipes)\/[\w.-]*\w/g)].map(([path]) => path);
      expect(named.length).toBeGreaterThanOrEqual(3);
      expect(named.filter((path) => !existsSync(resolve(cwd, path)))).toEqual([]);
    }
    expect(inApp).toMatch(/\.\/node_modules\/drpo\/scripts\/setup\b/);
    expect(inApp).toMatch(/\.\/node_modules\/drpo\/recipes\/reviews\.json\b/);
    expect(outside).toContain(join(realpathSync(installed), "scripts", "setup"));
  });

  test("runs from another folder, as a program and as a library", async () => {
    const bin = join(folder, "app", "node_modules", ".bin", "drpo");
    mkdirSync(dirname(bin));
    symlinkSync("../drpo/dist/cli.js", bin);
    const help = await startNode([bin, "--help"], { cwd: join(folder, "elsewhere") }).ended;
    expect(help.stdout).toMatch(/^Usage: drpo/);
    expect(help.exitCode).toBe(0);
    const program = `import { readRun, BadInputError } from "drpo"; console.log(typeof readRun, typeof BadInputError);`;
    const library = await startNode(["--input-type=module", "-e", program], { cwd: join(folder, "app") }).ended;
    expect(library.stdout).toBe("function function");
  });
});
