import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { EnvironmentError } from "../../src/errors.js";
import { startLocalServer } from "../../src/server/local-server.js";
import { createTemporaryFolder } from "./temporary-folder.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PYTHON = join(ROOT, ".venv", "bin", "python");

const folder = createTemporaryFolder();
afterAll(() => folder.remove());

const request = (python: string, port = 0) => ({
  options: {
    python,
    port,
    threads: 1,
    device: "cpu",
    dtype: "float32",
    tokenBudget: 64,
    startTimeoutMs: 120_000,
  } as const,
  checkpointRoot: join(folder.path, "checkpoints"),
  stageRoot: join(folder.path, "stages"),
  logFile: join(folder.path, "server.log"),
});

const openSocket = async (address: string): Promise<Socket> => {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  await once(socket, "connect");
  socket.on("error", () => undefined);
  // A socket that nobody reads from never tells that the other end is gone.
  socket.resume();
  return socket;
};

/** src/server in JavaScript, for a Node process of its own. */
const translateServer = (): string => {
  const names = readdirSync(join(ROOT, "src", "server")).filter((name) => name.endsWith(".ts"));
  const files = ["errors.ts", "config/packaged-file.ts", ...names.map((name) => `server/${name}`)];
  for (const file of files) {
    const source = readFileSync(join(ROOT, "src", file), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const target = join(folder.path, "src", file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(folder.path, "package.json"), '{"type":"module"}');
  return join(folder.path, "src", "server", "local-server.js");
};

/** A Node process that starts a server, says where it is, and waits. */
const startParent = async (): Promise<{ parent: ChildProcess; address: string; pid: number }> => {
  const program = `
    import { startLocalServer } from ${JSON.stringify(translateServer())};
    const server = await startLocalServer(${JSON.stringify(request(PYTHON))});
    console.log(JSON.stringify(server));
    setInterval(() => {}, 1e6);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "", PYTHONPATH: join(ROOT, "server-images") },
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  return { parent, ...(JSON.parse(line.toString()) as { address: string; pid: number }) };
};

/** The process is gone, or ended and not yet collected by its new parent. */
const hasEnded = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() === "" || stdout.trim().startsWith("Z");
};

(existsSync(PYTHON) ? describe : describe.skip)("the Python server", () => {
  test("serves, takes no second server on its port, and ends when it is stopped", async () => {
    const server = await startLocalServer(request(PYTHON));
    const socket = await openSocket(server.address);
    const port = Number(server.address.split(":")[1]);
    const second = startLocalServer(request(PYTHON, port));
    await expect(second).rejects.toThrow(EnvironmentError);
    await expect(second).rejects.toThrow(new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`));
    const closed = once(socket, "close");
    await server.stop();
    await closed;
    expect(hasEnded(server.pid)).toBe(true);
  }, 120_000);

  test("cannot listen where another program does", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(startLocalServer(request(PYTHON, port))).rejects.toThrow(String(port));
    other.close();
  }, 120_000);

  test("ends when the process that started it is killed", async () => {
    const { parent, address, pid } = await startParent();
    const socket = await openSocket(address);
    const closed = once(socket, "close");
    expect(hasEnded(pid)).toBe(false);
    parent.kill("SIGKILL");
    await closed;
    expect(hasEnded(pid)).toBe(true);
  }, 120_000);

  test("an interpreter without its packages says what to run", async () => {
    const bare = folder.script("bare-python", `exec "${PYTHON}" -S "$@"`);
    const failure = startLocalServer(request(bare));
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(/No module named .*\.\/scripts\/setup/);
  });
});
