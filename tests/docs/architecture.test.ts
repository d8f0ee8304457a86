import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ROOT } from "./algorithms-page.js";

test("every file and folder of the map exists", async () => {
  const text = await readFile(join(ROOT, "docs/architecture.md"), "utf8");
  // Of a run or a server's disk, not of the repository.
  const elsewhere = ["checkpoints/", "rollouts/", "memory/", "evaluation/"];
  const roots = ["", "src", "server-images/drpo_server"];
  const named = [...text.matchAll(/`([\w-]+\/[\w./-]*)`/g)].map(([, path]) => path!);
  const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)\)/g)].map(([, target]) => join("docs", target!));
  const missing = [...named, ...links].filter(
    (path) => !elsewhere.includes(path) && !roots.some((root) => existsSync(join(ROOT, root, path))),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});
