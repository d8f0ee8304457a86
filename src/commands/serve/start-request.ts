import type { ContainerTool, ServerRecord } from "../../server/detached/server-record.js";
import type { ServerOptions } from "./server-options.js";

/** The command line of `drpo serve start`. */
export interface StartOptions extends ServerOptions {
  readonly container?: ContainerTool;
  readonly image?: string;
  readonly bases?: string;
  readonly tlsCa?: string;
  /** Seconds. */
  readonly startTimeout: number;
}

/** What both ways of starting a server need. */
export interface StartRequest {
  readonly name: string;
  readonly options: StartOptions;
  /** Of the server's record; absolute. */
  readonly folder: string;
  /** Absolute, and there. */
  readonly checkpointRoot: string;
  readonly stageRoot: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

export type Started = Pick<ServerRecord, "address" | "place" | "tlsCa">;
