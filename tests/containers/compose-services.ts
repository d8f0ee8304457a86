import { join } from "node:path";
import { execa } from "execa";
import { ROOT } from "../commands/run-drpo.js";
import type { Container } from "./run-container.js";

interface Service {
  readonly command: readonly string[];
  readonly volumes: readonly {
    readonly type: "bind" | "volume";
    readonly source: string;
    readonly target: string;
    readonly read_only?: boolean;
  }[];
  readonly tmpfs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a container of compose.yaml is given. */
export type ServiceContainer = Required<Pick<Container, "args" | "environment" | "mounts">>;

/**
 * compose.yaml as Compose itself resolves it.
 * @param volume the folder for a named volume
 */
export async function readComposeServices(
  environment: Readonly<Record<string, string>>,
  volume: (name: string) => Promise<string>,
): Promise<(name: string) => Promise<ServiceContainer>> {
  const python = process.env["DRPO_PYTHON"] ?? join(ROOT, ".venv", "bin", "python");
  const { stdout: scripts } = await execa(python, ["-c", "import sysconfig; print(sysconfig.get_path('scripts'))"]);
  const config = ["-f", "compose.yaml", "config", "--format", "json"];
  const { stdout } = await execa(join(scripts, "docker-compose"), config, { cwd: ROOT, env: environment });
  const { services } = JSON.parse(stdout) as { readonly services: Readonly<Record<string, Service>> };
  const folders = new Map<string, Promise<string>>();
  const folderOf = (name: string): Promise<string> => {
    const folder = folders.get(name) ?? volume(name);
    folders.set(name, folder);
    return folder;
  };
  let scratch = 0;
  return async (name) => {
    const service = services[name];
    if (service === undefined) throw new Error(`compose.yaml has no service ${name}`);
    const volumes = service.volumes.map(async ({ type, source, target, read_only: readOnly = false }) => ({
      ...{ from: type === "bind" ? source : await folderOf(source), to: target, readOnly },
    }));
    // Every container's own, and empty: a tmpfs. /tmp is one in every container.
    const own = service.tmpfs
      .filter((path) => path !== "/tmp")
      .map(async (path) => ({
        ...{ from: await volume(`tmpfs-${scratch++}`), to: path.replace(/:.*/, ""), readOnly: false },
      }));
    const mounts = await Promise.all([...volumes, ...own]);
    return { args: service.command, environment: service.environment, mounts };
  };
}
