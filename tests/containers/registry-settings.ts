import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";

/** How pip and npm reach their registries on this machine, for builds of images on it. */
export interface RegistrySettings {
  /** Arguments of scripts/build-image. */
  readonly pip: readonly string[];
  readonly npm: readonly string[];
}

const mounts = (paths: readonly string[]): readonly string[] =>
  [...new Set(paths)].filter((path) => existsSync(path)).flatMap((path) => ["--volume", `${path}:${path}:ro`]);

/** @param folder where the files of configuration are written */
export async function readRegistrySettings(python: string, folder: string): Promise<RegistrySettings> {
  const { stdout } = await execa(python, ["-m", "pip", "config", "list"]);
  // A variable's value comes first, as pip has it. `constraint` is a habit of this machine's, not a way to a registry.
  const entries = [...stdout.matchAll(/^(?<from>[^.]+)\.(?<key>[\w-]+)='(?<value>.*)'$/gm)].map(({ groups }) => groups);
  const pip = new Map(entries.reverse().map((groups) => [groups?.["key"] ?? "", groups?.["value"] ?? ""]));
  const wanted = ["cert", "find-links", "index-url", "extra-index-url", "trusted-host"].filter((key) => pip.has(key));
  const pipFile = join(folder, "pip.conf");
  writeFileSync(pipFile, `[global]\n${wanted.map((key) => `${key} = ${pip.get(key)}\n`).join("")}`);
  // An index is a folder whose pages name files beside it.
  const values = wanted.flatMap((key) => (pip.get(key) ?? "").split(/\s+/));
  const paths = values.map((one) => (one.startsWith("file://") ? dirname(new URL(one).pathname) : one));

  const authority = process.env["NODE_EXTRA_CA_CERTS"] ?? "";
  const npmFile = join(folder, ".npmrc");
  const { stdout: registry } = await execa("npm", ["config", "get", "registry"], { cwd: folder });
  writeFileSync(npmFile, `registry=${registry}\n${authority ? `cafile=${authority}\n` : ""}`);
  return {
    pip: ["--pip-config", pipFile, ...mounts(paths.filter((path) => path.startsWith("/")))],
    npm: ["--npm-config", npmFile, ...mounts(authority ? [authority] : [])],
  };
}
