import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type DrpoFolder, drpoFolder } from "../commands/drpo-folder.js";
import { ROOT } from "../commands/run-drpo.js";
import type { ImageConfig } from "./buildah.js";
import { readComposeServices } from "./compose-services.js";
import { CPU, type Images, ORCHESTRATOR, prepareImages, SAMPLER_CUDA } from "./images.js";
import { type Container, type RunningContainer, startContainer } from "./run-container.js";
import { SHORTENED } from "./shortened-quickstart.js";

// Images are built, and models trained: what is too long is for whoever runs this to say.
jest.setTimeout(60 * 60_000);

const ASSETS = join(ROOT, "assets");
const BASE = "model.base=/data/bases/smollm2-135m-instruct";
const SERVING = /"event": ?"serving", ?"address": ?"([^"]+)"/;

let images: Images;
let root: string;
let config: ImageConfig;
let token: string;
let folder: DrpoFolder;
const running: RunningContainer[] = [];

beforeAll(async () => {
  // Whoever asked for this group wants it run: what is missing fails it, and is never skipped.
  if (process.getuid?.() !== 0) throw new Error("the group containers needs root, for mounts and other users");
  images = await prepareImages();
  await images.build("cpu");
  root = await images.store.mount(CPU);
  config = await images.store.config(CPU);
  token = readFileSync(join(images.certificates, "token"), "utf8");
  folder = drpoFolder(await images.volume("project"));
});

afterAll(async () => {
  for (const container of running) container.kill();
  await Promise.all(running.map(({ ended }) => ended));
  await folder?.remove();
  await images?.remove();
});

const start = (container: Partial<Container> = {}): RunningContainer => {
  const started = startContainer({ root, config, environment: { DRPO_SERVER_TOKEN: token }, ...container });
  running.push(started);
  return started;
};

const bind = (from: string, to: string, readOnly = true) => ({ from, to, readOnly });
const secrets = (server: string) => bind(join(images.certificates, server), "/run/secrets/drpo");
const checkHealth = (address: string) =>
  start({
    entrypoint: (config.Healthcheck?.Test ?? []).slice(1),
    mounts: [secrets("trainer")],
    environment: { DRPO_HEALTH_ADDRESS: address },
  }).ended;

describe("the image", () => {
  test("is the package's version, for a normal user, with volumes, a health check and the server as process 1", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(config.User).toBe("10001:10001");
    expect(config.Entrypoint.slice(0, 3)).toEqual(["python3", "-m", "drpo_server"]);
    expect(Object.keys(config.Volumes ?? {})).toEqual(["/data/checkpoints", "/data/stages"]);
    expect(config.Healthcheck?.Test).toEqual(["CMD", "python3", "-m", "drpo_server.check_health"]);
    expect(config.Labels["org.opencontainers.image.version"]).toBe(version);
  });

  test("holds no token, no certificate and no configuration of pip", () => {
    expect(JSON.stringify(config)).not.toMatch(/DRPO_SERVER_TOKEN|PIP_/);
    for (const path of ["etc/pip.conf", "run/secrets", "root/.cache"]) expect(existsSync(join(root, path))).toBe(false);
    expect(readdirSync(join(root, "opt/drpo/drpo_server"))).not.toContain("tests");
    for (const empty of ["data/bases", "data/checkpoints"]) expect(readdirSync(join(root, empty))).toEqual([]);
  });

  test("does not serve beyond its machine without a token", async () => {
    const { exitCode, stderr } = await start({ mounts: [secrets("trainer")], environment: {} }).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("DRPO_SERVER_TOKEN");
  });

  test("runs on a read-only root, without rights", async () => {
    const script = "id -u; for place in / /opt/drpo /data; do ! touch $place/new; done; touch /tmp/new && echo written";
    const shell = start({
      entrypoint: ["sh", "-c", `${script}; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status`],
    });
    const { stdout, stderr } = await shell.ended;
    expect(stdout.split(/\s+/)).toEqual([
      "10001",
      "written",
      "CapEff:",
      "0000000000000000",
      "CapBnd:",
      "0000000000000000",
      "NoNewPrivs:",
      "1",
      "",
    ]);
    expect(stderr.match(/Read-only file system/g)).toHaveLength(3);
  });
});

describe("a server in a container", () => {
  test("runs the quickstart, shortened, and keeps what it wrote on its volumes", async () => {
    const volumes = [
      bind(await images.volume("checkpoints"), "/data/checkpoints", false),
      bind(await images.volume("stages"), "/data/stages", false),
    ];
    const serverAt = (port: string) =>
      start({
        args: ["--host", "127.0.0.1", "--port", port, ...(config.Cmd ?? [])],
        mounts: [bind(ASSETS, "/data/bases"), secrets("trainer"), ...volumes],
      });
    const first = serverAt("0");
    const [, address = ""] = await first.says(SERVING);
    expect(await checkHealth(address)).toMatchObject({ exitCode: 0 });

    const tlsCa = join(images.certificates, "ca.crt");
    const atLocalhost = address.replace("127.0.0.1", "localhost");
    const server = `server=${JSON.stringify({ kind: "remote", address: atLocalhost, tlsCa })}`;
    const recipe = join(ROOT, "recipes/reviews.json");
    const trained = await folder.drpo(
      ["train", recipe, "--run-dir", "run", "--json", "--set", server, "--set", BASE, ...SHORTENED],
      { environment: { DRPO_SERVER_TOKEN: token } },
    );
    expect(trained).toMatchObject({ exitCode: 0 });
    const { policy } = (JSON.parse(trained.stdout) as { evaluation: { policy: { score: { n: number } } } }).evaluation;
    expect(policy.score.n).toBe(16);
    for (const { from } of volumes) {
      const written = readdirSync(from).filter((name) => !name.startsWith("."));
      expect(written.length).toBeGreaterThan(0);
      for (const name of written) expect(statSync(join(from, name)).uid).toBe(10001);
    }

    // Gracefully, as process 1.
    first.signal("SIGTERM");
    const ended = await first.ended;
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toContain("stopping");
    expect(await checkHealth(address)).toMatchObject({ exitCode: 1 });

    // Another container on the same volumes has the policy.
    const second = serverAt(address.replace(/^.*:/, ""));
    await second.says(SERVING);
    const sampled = await folder.drpo(["sample", "run", "--json"], { environment: { DRPO_SERVER_TOKEN: token } });
    expect(sampled).toMatchObject({ exitCode: 0 });
    second.signal("SIGTERM");
    expect((await second.ended).exitCode).toBe(0);
  });
});

describe("compose.yaml", () => {
  test("trains with its trainer, its two samplers and its orchestrator", async () => {
    await images.build("orchestrator");
    const orchestrator = {
      root: await images.store.mount(ORCHESTRATOR),
      config: await images.store.config(ORCHESTRATOR),
    };
    // On the host's network each container has an address of its own instead of an own network.
    const hosts = join(images.folder, "hosts");
    const names = ["trainer", "drpo-sampler-1", "drpo-sampler-2"];
    const addressOf = (name: string) => `127.0.0.${names.indexOf(name) + 2}`;
    writeFileSync(hosts, names.map((name) => `${addressOf(name)} ${name}\n`).join(""));
    const service = await readComposeServices(
      { DRPO_SERVER_TOKEN: token, DRPO_ASSETS: ASSETS, DRPO_CERTIFICATES: images.certificates },
      async (name) => images.volume(`compose-${name}`),
    );
    const serverOf = async (name: string, kind: "trainer" | "sampler") => {
      const given = await service(kind);
      const mounts = [...given.mounts, bind(hosts, "/etc/hosts")];
      return start({ ...given, mounts, args: [...given.args, "--host", addressOf(name)] });
    };
    const servers = [
      await serverOf("trainer", "trainer"),
      await serverOf("drpo-sampler-1", "sampler"),
      await serverOf("drpo-sampler-2", "sampler"),
    ];
    await Promise.all(servers.map(async (server) => server.says(SERVING)));

    const given = await service("orchestrator");
    const work = given.mounts.find(({ to }) => to === "/srv/drpo")?.from ?? "";
    const trained = await start({
      ...{ ...given, ...orchestrator },
      mounts: [...given.mounts, bind(hosts, "/etc/hosts")],
      args: [...given.args, ...SHORTENED, "--json"],
    }).ended;
    expect(trained).toMatchObject({ exitCode: 0 });
    expect(trained.stderr).toContain("samplers: 2 x torch");
    expect(JSON.parse(trained.stdout)).toMatchObject({ evaluation: { policy: { score: { n: 16 } } } });
    expect(existsSync(join(work, "runs/quickstart/evaluation.json"))).toBe(true);
    for (const server of servers) server.signal("SIGTERM");
    expect(await Promise.all(servers.map(async ({ ended }) => (await ended).exitCode))).toEqual([0, 0, 0]);
  });
});

describe("targets for GPUs", () => {
  test("what the vLLM image gets leaves its PyTorch as it was", async () => {
    await images.build("sampler-cuda");
    const sampler = { root: await images.store.mount(SAMPLER_CUDA), config: await images.store.config(SAMPLER_CUDA) };
    expect(sampler.config.Entrypoint).toEqual(expect.arrayContaining(["--engine", "vllm", "--device", "cuda"]));
    // It has no vLLM to load here, and says what is missing after it has taken its arguments.
    const { exitCode, stderr } = await start({ ...sampler, mounts: [secrets("sampler")] }).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--engine vllm needs --base");
  });
});
