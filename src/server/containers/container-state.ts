import { EnvironmentError } from "../../errors.js";
import type { ContainerCli } from "./container-cli.js";

export interface ContainerState {
  readonly isRunning: boolean;
  /** Of its first process; 0 while it runs. */
  readonly exitCode: number;
}

/** How a container is; null if there is none of that id. @throws EnvironmentError if the tool cannot be asked */
export async function containerState(cli: ContainerCli, id: string): Promise<ContainerState | null> {
  const text = await cli
    .ask(["inspect", "--type=container", "--format={{json .State}}", id])
    .catch((error: unknown) => {
      if (error instanceof EnvironmentError && /no such (object|container)/i.test(error.message)) return null;
      throw error;
    });
  if (text === null) return null;
  const { Running, ExitCode } = JSON.parse(text) as { readonly Running?: boolean; readonly ExitCode?: number };
  return { isRunning: Running === true, exitCode: ExitCode ?? 0 };
}
