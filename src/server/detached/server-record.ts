import { z } from "zod";

/** A server that `drpo serve start` started, as it is remembered between commands. No token is in here. */
export const serverRecordSchema = z.strictObject({
  name: z.string(),
  /** host:port, as it listens. */
  address: z.string(),
  place: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("process"),
      process: z.strictObject({
        pid: z.number().int(),
        startTime: z.string(),
        host: z.string(),
        bootId: z.string(),
        pidNamespace: z.string(),
      }),
      log: z.string(),
    }),
    z.strictObject({
      kind: z.literal("container"),
      tool: z.enum(["docker", "podman"]),
      id: z.string(),
      image: z.string(),
      /** The machine whose containers they are. */
      host: z.string(),
    }),
  ]),
  /** Folders of this machine. */
  checkpointRoot: z.string(),
  stageRoot: z.string(),
  /** The authority that clients trust; null: not encrypted. */
  tlsCa: z.string().nullable(),
  /** File with the token; null: the DRPO_SERVER_TOKEN of whoever started it. */
  tokenFile: z.string().nullable(),
  /** ISO 8601. */
  startedAt: z.string(),
});

export type ServerRecord = z.infer<typeof serverRecordSchema>;
export type ContainerTool = "docker" | "podman";
