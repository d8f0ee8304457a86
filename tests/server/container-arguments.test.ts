import { spawnSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { containerArguments, type ContainerRequest } from "../../src/server/containers/container-arguments.js";

const argumentsOf = (changes: Partial<ContainerRequest> = {}) =>
  containerArguments({
    ...{ tool: "docker", name: "drpo-a", image: "drpo-server:1", mayPull: false, port: 7, user: "1000:1000" },
    ...{ mounts: [], withGpus: false, sharesMemory: false, processes: 1, serverArguments: ["--dtype=float32"] },
    ...changes,
  });

describe("containerArguments", () => {
  test("an ordinary user, a root that cannot be written, a port of this machine, and no token", () => {
    const args = argumentsOf();
    expect(args.slice(0, 2)).toEqual(["run", "--detach"]);
    expect(args).toEqual(
      expect.arrayContaining([
        ...["--user=1000:1000", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"],
        ...["--publish=127.0.0.1:7:50051", "--env=DRPO_SERVER_TOKEN", "--pull=never"],
      ]),
    );
    expect(args.slice(-2)).toEqual(["drpo-server:1", "--dtype=float32"]);
    expect(argumentsOf({ port: 0 })).toContain("--publish=127.0.0.1::50051");
    expect(argumentsOf({ mayPull: true })).not.toContain("--pull=never");
  });

  test("mounts, written or not, by paths that hold colons and spaces but no commas", () => {
    const mount = { source: "/a b:c", target: "/data/bases", isReadOnly: true };
    expect(argumentsOf({ mounts: [mount, { ...mount, isReadOnly: false }] })).toEqual(
      expect.arrayContaining([
        "--mount=type=bind,source=/a b:c,target=/data/bases,readonly",
        "--mount=type=bind,source=/a b:c,target=/data/bases",
      ]),
    );
    expect(() => argumentsOf({ mounts: [{ ...mount, source: "/a,b" }] })).toThrow(BadInputError);
  });

  test("of podman: files belong to the user, GPUs by CDI", () => {
    expect(argumentsOf({ tool: "podman", withGpus: true })).toEqual(
      expect.arrayContaining(["--userns=keep-id", "--device=nvidia.com/gpu=all"]),
    );
  });

  test("of several processes: torchrun is what is started, with what the image would have said", () => {
    const args = argumentsOf({ processes: 2, sharesMemory: true });
    expect(args).toEqual(expect.arrayContaining(["--shm-size=8g", "--entrypoint=python3"]));
    expect(args.slice(args.indexOf("drpo-server:1") + 1)).toEqual([
      ...["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "drpo_server"],
      ...["--checkpoint-root=/data/checkpoints", "--stage-root=/data/stages", "--host=0.0.0.0", "--port=50051"],
      "--dtype=float32",
    ]);
  });

  const hasDocker = spawnSync("docker", ["--version"]).status === 0;
  (hasDocker ? test : test.skip)("the real docker takes all of it, up to the daemon that is not there", () => {
    const mounts = [{ source: "/a b", target: "/data/bases", isReadOnly: true }];
    const args = argumentsOf({ mounts, withGpus: true, sharesMemory: true, processes: 2 });
    const { stderr } = spawnSync("docker", ["--host=tcp://127.0.0.1:1", ...args], { encoding: "utf8" });
    expect(stderr).toMatch(/Cannot connect to the Docker daemon/);
  });
});
