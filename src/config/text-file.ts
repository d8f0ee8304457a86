import { TextDecoder } from "node:util";

/** Bytes that are not text. */
export class NotTextError extends Error {}

/**
 * A user's file as text: UTF-8, or UTF-16 if it begins with that byte-order mark, as Windows PowerShell and Notepad write
 * it. The mark itself is left out.
 * @throws NotTextError
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new NotTextError(`the file is not text in ${encoding.toUpperCase()}`, { cause });
  }
}

function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

/** A text without the byte-order mark that an editor may have put before it. */
export const withoutByteOrderMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text);
