import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test, and programs in it. */
export interface TemporaryFolder {
  readonly path: string;
  /** Writes an executable shell script. @returns its path */
  script(name: string, lines: string): string;
  remove(): void;
}

export const createTemporaryFolder = (): TemporaryFolder => {
  const path = mkdtempSync(join(tmpdir(), "drpo-server-"));
  return {
    path,
    script(name, lines) {
      const file = join(path, name);
      writeFileSync(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
};
