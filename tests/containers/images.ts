import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { ROOT } from "../commands/run-drpo.js";
import { createImageStore, type ImageStore } from "./buildah.js";
import { type RegistrySettings, readRegistrySettings } from "./registry-settings.js";

export const CPU = "localhost/drpo-server:0.1.0";
export const SAMPLER_CUDA = "localhost/drpo-server:0.1.0-sampler-cuda";
export const ORCHESTRATOR = "localhost/drpo-orchestrator:0.1.0";
const DEBIAN = "localhost/debian-base:bookworm";
const NODE = "localhost/node-base:bookworm";
/** Numbers of the images' user. */
const [USER, GROUP] = [10001, 10001];

/** A place for images and containers of a test file: certificates, a token, folders for volumes. */
export interface Images {
  readonly store: ImageStore;
  readonly certificates: string;
  readonly folder: string;
  /** A folder that the images' user owns. */
  volume(name: string): Promise<string>;
  build(target: "cpu" | "sampler-cuda" | "orchestrator"): Promise<void>;
  remove(): Promise<void>;
}

/** Has Debian's base image; $DRPO_TEST_DEBIAN_ROOT names a root file system that debootstrap made, to save its minute. */
export async function prepareImages(): Promise<Images> {
  const folder = mkdtempSync(join(tmpdir(), "drpo-containers-"));
  chmodSync(folder, 0o755);
  const store = createImageStore(folder);
  const python = process.env["DRPO_PYTHON"] ?? join(ROOT, ".venv", "bin", "python");
  const registries = await readRegistrySettings(python, folder);
  const certificates = join(folder, "certificates");
  await store.run("scripts/make-certificates", "--to", certificates, "--token");
  chmodSync(certificates, 0o755);
  const made = process.env["DRPO_TEST_DEBIAN_ROOT"];
  await store.run("scripts/make-debian-base", "--tag", DEBIAN, ...(made === undefined ? [] : ["--from", made]));
  return {
    ...{ store, certificates, folder },
    volume: async (name) => {
      const path = join(folder, name);
      mkdirSync(path);
      await execa("chown", [`${USER}:${GROUP}`, path]);
      return path;
    },
    build: async (target) => build(store, registries, target),
    remove: async () => {
      await store.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function build(store: ImageStore, registries: RegistrySettings, target: string): Promise<void> {
  const common = ["--tool", "buildah", "--target", target];
  if (target === "orchestrator") {
    await makeNodeBase(store);
    await store.run("scripts/build-image", ...common, "--base", NODE, ...registries.npm);
    return;
  }
  // vLLM's image cannot be had here; what its packages are put beside is in the CPU image too.
  const base = target === "sampler-cuda" ? CPU : DEBIAN;
  await store.run("scripts/build-image", ...common, "--base", base, ...registries.pip);
}

/** Debian's base with this machine's Node, in place of the public image of Node. */
async function makeNodeBase(store: ImageStore): Promise<void> {
  const { stdout: npm } = await execa("npm", ["root", "--global"]);
  const container = await store.run("buildah", "from", "--pull-never", DEBIAN);
  await store.run("buildah", "add", "--quiet", container, process.execPath, "/usr/local/bin/node");
  await store.run("buildah", "add", "--quiet", container, resolve(npm, "npm"), "/usr/local/lib/node_modules/npm");
  const link = "ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm";
  await store.run("buildah", "run", container, "--", "sh", "-c", link);
  await store.run("buildah", "commit", "--quiet", "--rm", container, NODE);
}
