import type { Progress } from "../../ports/progress.js";
import type { Download, StoredFiles } from "../../ports/stored-files.js";

const MIB = 2 ** 20;
const toMib = (bytes: number): number => Math.round((bytes / MIB) * 10) / 10;

/** Downloads a folder from a server, and shows how far it is. */
export async function downloadWithProgress(
  files: StoredFiles,
  download: Download,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<void> {
  let task: ReturnType<Progress["start"]> | undefined;
  const onProgress = (done: number, total: number) => {
    task ??= progress.start("download", toMib(total), "MiB");
    task.update(toMib(done));
  };
  await files.download(download, { signal, onProgress });
  task?.end();
}
