import type { CallOptions } from "./call-options.js";

/** A checkpoint or an export of a server, copied to this machine. */
export interface Download {
  /** "checkpoints/NAME" or "stages/NAME", on the server. */
  readonly uri: string;
  /** Absolute; a folder that is not there, or is empty. It appears when it is complete. */
  readonly to: string;
}

export interface DownloadedFolder {
  /** Bytes of all files. */
  readonly bytes: number;
  /** SHA-256 (hexadecimal) of the manifest, which holds the hash of every file. */
  readonly manifestHash: string;
}

/** Files of checkpoints and exports, for who shares no disk with the server. */
export interface StoredFiles {
  /**
   * Copies a checkpoint or an export, every file verified by its hash. A download that broke off goes on where it was,
   * also in another process. Progress is in bytes.
   * @throws NotOnServerError if it is not there; CorruptStateError if a file differs from its hash; EnvironmentError if
   * it does not fit on the disk; InterruptedError.
   */
  download(download: Download, options?: CallOptions): Promise<DownloadedFolder>;
}
