#!/usr/bin/env node
// Stands for docker where none can run: the same command line, with the real server as a process in place of the container.
// It writes down how it was called, and refuses what docker would refuse: flags that it does not know, a name in use.
import { spawn } from "node:child_process";
import process from "node:process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const { FAKE_DOCKER: root, FAKE_DOCKER_PYTHON: python, DRPO_SERVER_TOKEN: token } = process.env;
const [command, ...args] = process.argv.slice(2);
appendFileSync(join(root, "calls.jsonl"), `${JSON.stringify({ command, args, hasToken: Boolean(token) })}\n`);

function fail(message, code = 1) {
  process.stderr.write(`docker: ${message}\n`);
  process.exit(code);
}

/** The folder of a container by its id, or the first letters of it. */
function folderOf(id) {
  const found = readdirSync(root).find((name) => name.startsWith(id ?? "?") && existsSync(join(root, name, "name")));
  return found === undefined ? fail(`Error response from daemon: No such container: ${id}`) : join(root, found);
}
const read = (folder, file) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : "");
const isRunning = (folder) => read(folder, "exit-code") === "";

/** Flags before the image's name, by name; those that docker has and that drpo uses. */
function parseRun(words) {
  const flags = { mount: [], env: [] };
  const known = /^--(detach|name|user|env|read-only|tmpfs|cap-drop|security-opt|publish|mount|pull)(?:=(.*))?$/;
  let at = 0;
  for (; words[at].startsWith("--"); at++) {
    const [, name, value = true] = known.exec(words[at]) ?? fail(`unknown flag: ${words[at]}`, 125);
    if (Array.isArray(flags[name])) flags[name].push(value);
    else flags[name] = value;
  }
  return { flags, image: words[at], serverArguments: words.slice(at + 1) };
}

const mountsOf = (flags) =>
  flags.mount.map((text) => {
    const fields = Object.fromEntries(text.split(",").map((field) => field.split("=")));
    return [fields.target, fields.source];
  });

function run() {
  const { flags, image, serverArguments } = parseRun(args);
  if (image !== process.env.FAKE_DOCKER_IMAGE) fail(`No such image: ${image}`, 125);
  if (readdirSync(root).some((id) => read(join(root, id), "name") === flags.name))
    fail(`Conflict. The container name "/${flags.name}" is already in use`, 125);
  const id = randomBytes(32).toString("hex");
  const folder = join(root, id);
  mkdirSync(folder);
  writeFileSync(join(folder, "name"), flags.name);
  // The image's entry point; what stands after the image's name follows it. Paths are the mounts' here.
  const entry = ["--checkpoint-root=/data/checkpoints", "--stage-root=/data/stages", "--host=0.0.0.0", "--port=50051"];
  const port = /^127\.0\.0\.1:(\d*):50051$/.exec(flags.publish)?.[1] ?? fail("a port of other machines", 125);
  const moved = [...entry, ...serverArguments].map((argument) => {
    const [target, source] = mountsOf(flags).find(([path]) => argument.includes(`=${path}`)) ?? [];
    if (argument === "--host=0.0.0.0") return "--host=127.0.0.1";
    if (argument === "--port=50051") return `--port=${port || 0}`;
    return target === undefined ? argument : argument.replace(target, source);
  });
  const [out, err] = ["out", "err"].map((name) => openSync(join(folder, name), "a"));
  const environment = { PATH: process.env.PATH, PYTHONPATH: process.env.FAKE_DOCKER_PYTHONPATH };
  if (flags.env.includes("DRPO_SERVER_TOKEN")) environment.DRPO_SERVER_TOKEN = token;
  const script = `"$@" & echo $! >"${folder}/pid"; wait $!; echo $? >"${folder}/exit-code"`;
  const child = spawn("sh", ["-c", script, "sh", python, "-m", "drpo_server", ...moved], {
    ...{ detached: true, stdio: ["ignore", out, err], env: environment },
  });
  child.unref();
  process.stdout.write(`${id}\n`);
}

async function logs() {
  const folder = folderOf(args.at(-1));
  const tail = Number(args.find((flag) => flag.startsWith("--tail="))?.slice(7) ?? Infinity);
  for (let shown = 0; ;) {
    const isOver = !args.includes("--follow") || !isRunning(folder);
    const lines = read(folder, "err").split("\n").slice(-tail);
    for (const line of lines.slice(shown)) process.stderr.write(`${line}\n`);
    shown = lines.length;
    if (isOver) break;
    await delay(100);
  }
  process.stdout.write(`${read(folder, "out")}\n`);
}

async function stop() {
  const folder = folderOf(args.at(-1));
  if (args[0] !== "-t") fail(`unknown shorthand flag: ${args[0]}`, 125);
  process.kill(Number(read(folder, "pid")), "SIGTERM");
  while (isRunning(folder)) await delay(50);
}

const commands = {
  run,
  logs,
  stop,
  inspect() {
    const folder = folderOf(args.at(-1));
    process.stdout.write(
      `${JSON.stringify({ Running: isRunning(folder), ExitCode: Number(read(folder, "exit-code")) })}\n`,
    );
  },
  port() {
    const { address } = JSON.parse(read(folderOf(args[0]), "out"));
    process.stdout.write(`${address}\n`);
  },
  rm() {
    const folder = folderOf(args.at(-1));
    if (isRunning(folder)) process.kill(Number(read(folder, "pid")), "SIGKILL");
    rmSync(folder, { recursive: true });
  },
};
await (commands[command] ?? (() => fail(`'${command}' is not a docker command.`)))();
