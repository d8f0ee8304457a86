import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { createFolderStore, createMemoryStore } from "../../src/testbed/checkpoint-store.js";

const folder = mkdtempSync(join(tmpdir(), "drpo-testbed-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ["in memory", createMemoryStore()],
  ["in a folder", createFolderStore(folder)],
])("%s", (_, store) => {
  test("texts are read as they were written, until they are removed", () => {
    expect(store.read("checkpoints/a/b")).toBeUndefined();
    store.write("checkpoints/a/b", "text");
    store.write("checkpoints/a", "other");
    expect(store.read("checkpoints/a/b")).toBe("text");
    store.remove("checkpoints/a/b");
    store.remove("checkpoints/a/b");
    expect(store.read("checkpoints/a/b")).toBeUndefined();
  });
});
