import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { ROOT } from "../commands/run-drpo.js";

/** What an image is started with: the part of Docker's image configuration that a run needs. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir: string;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

/** Images in a store of their own, which goes with the test. */
export interface ImageStore {
  /** Runs a program that builds or reads images there. @returns what it wrote to standard output */
  run(program: string, ...args: string[]): Promise<string>;
  config(image: string): Promise<ImageConfig>;
  /** A container's root file system made of an image. @returns its folder */
  mount(image: string): Promise<string>;
  remove(): Promise<void>;
}

/** @param parent folder on a disk with room for a few GB: each image is a plain copy (vfs), which needs no kernel module */
export function createImageStore(parent: string): ImageStore {
  const folder = mkdtempSync(join(parent, "drpo-images-"));
  const configuration = join(folder, "storage.conf");
  const [images, state] = [join(folder, "images"), join(folder, "state")];
  writeFileSync(configuration, `[storage]\ndriver = "vfs"\ngraphroot = "${images}"\nrunroot = "${state}"\n`);
  const env = { CONTAINERS_STORAGE_CONF: configuration, BUILDAH_ISOLATION: "chroot", STORAGE_DRIVER: undefined };
  // What programs say is kept for the error of the one that fails.
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await execa(program, args, { cwd: ROOT, env, stdin: "ignore" })).stdout;
  return {
    run,
    config: async (image) => {
      const inspected = JSON.parse(await run("buildah", "inspect", "--type", "image", image)) as {
        Docker: { config: ImageConfig };
      };
      return inspected.Docker.config;
    },
    mount: async (image) => run("buildah", "mount", await run("buildah", "from", "--pull-never", image)),
    remove: async () => {
      if (readdirSync(folder).includes("images")) await run("buildah", "rm", "--all");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
