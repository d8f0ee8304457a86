import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { createFileAtomically } from "../durable-files/write-file-atomically.js";
import { CorruptStateError } from "../errors.js";
import type { AnswerCache, KeptAnswer } from "../ports/answer-cache.js";

const entrySchema = z.object({
  key: z.string(),
  keptAt: z.string(),
  text: z.string(),
  about: z.record(z.string(), z.unknown()),
});

/**
 * Judges' answers in a folder: judge-answers/KE/KEY.json, a file each, so that processes share them and a kill at any
 * moment loses none that was kept. Where two processes ask the same at once, the answer that came first stays.
 * @param options.directory absolute; made if it is not there
 */
export function directoryAnswerCache(options: { readonly directory: string; readonly now?: () => Date }): AnswerCache {
  const now = options.now ?? (() => new Date());
  const shardOf = (key: string) => join(options.directory, "judge-answers", key.slice(0, 2));
  const pathOf = (key: string) => join(shardOf(key), `${key}.json`);
  return {
    get: (key) => readAnswer(pathOf(key)),
    async keep(key, { text, about }) {
      const path = pathOf(key);
      await makeFolder(shardOf(key));
      const entry = { key, keptAt: now().toISOString(), text, about };
      const isFirst = await createFileAtomically(path, `${JSON.stringify(entry, null, 2)}\n`);
      return isFirst ? { text, about } : ((await readAnswer(path)) ?? { text, about });
    },
  };
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw fileError(error, `making ${path}`);
  }
}

async function readAnswer(path: string): Promise<KeptAnswer | null> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return null;
    throw fileError(error, `reading ${path}`);
  }
  try {
    const { text, about } = entrySchema.parse(JSON.parse(content));
    return { text, about };
  } catch (cause) {
    throw new CorruptStateError(`The kept answer ${path} is damaged: delete the file, and it is asked for again.`, {
      cause,
    });
  }
}
