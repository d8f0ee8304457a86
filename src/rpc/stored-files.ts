import { EnvironmentError, FencedOffError, InterruptedError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { StoredFiles } from "../ports/stored-files.js";
import { ModelServiceDefinition as service } from "../proto-gen/drpo/v1/model_service.js";
import type { Caller } from "./caller.js";
import type { FileReader } from "./download-file.js";
import { downloadFolder } from "./download-folder.js";
import { describeMethod } from "./method.js";

const listFiles = describeMethod(service, service.methods.listFiles);
const readFile = describeMethod(service, service.methods.readFile);

/** The StoredFiles port over ModelService. */
export const createStoredFiles = (caller: Caller): StoredFiles => ({
  async download({ uri, to }, options = {}) {
    const name = `${uri} at ${caller.address}`;
    try {
      const { manifestHash, files } = await caller.unary(listFiles, { uri }, options);
      const listed = files.map(({ path, bytes, sha256 }) => ({ path, bytes: Number(bytes), sha256 }));
      for (const { path } of listed) refuseOutside(path, name);
      const { signal, onProgress } = options;
      const read = fileReader(caller, { uri, manifestHash }, { signal });
      return { manifestHash, bytes: await downloadFolder({ name, to, files: listed, read, onProgress }) };
    } catch (error) {
      throw explain(error, name);
    }
  },
});

/** What the two calls say is about runs; a download belongs to none. */
const explain = (cause: unknown, name: string): unknown => {
  if (cause instanceof InterruptedError)
    return new InterruptedError(`Interrupted while downloading ${name}. The same command goes on where it was.`, {
      cause,
    });
  if (cause instanceof FencedOffError)
    return new EnvironmentError(`${name} cannot be downloaded as it is: ${serverWords(cause)}.`, { cause });
  return cause;
};

const serverWords = ({ cause, message }: Error): string =>
  (cause as { readonly details?: string } | undefined)?.details ?? message;

/** A server may be anybody's: what it names must stay in the folder that is made for it. */
const refuseOutside = (path: string, where: string): void => {
  const isInside = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (!isInside || /[\\\0]/.test(path))
    throw new EnvironmentError(`${where} names a file ${JSON.stringify(path)}, outside of its folder: it is not read.`);
};

const fileReader =
  (caller: Caller, folder: { readonly uri: string; readonly manifestHash: string }, options: CallOptions): FileReader =>
  (path, { offset, onData }) =>
    caller.read(readFile, { request: () => ({ ...folder, path, offset: BigInt(offset()) }), onPart: onData }, options);
