import { appendFile } from "node:fs/promises";
import { crc32c } from "@node-rs/crc32";

/**
 * TensorFlow masks a checksum, so that one over data that holds checksums stays good.
 * Source: tensorflow/tsl/lib/hash/crc32c.h.
 */
const maskedChecksum = (bytes: Buffer): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

/**
 * A record of a TFRecord file: length (uint64), checksum of the length, data, checksum of the data; little-endian.
 * Source: https://www.tensorflow.org/tutorials/load_data/tfrecord.
 */
export function tfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(12 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedChecksum(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedChecksum(record.subarray(12, 12 + data.length)), 12 + data.length);
  return record;
}

/** Appends events (encoded) in one write. A record that a crash cuts off is one that readers wait for, and nothing worse. */
export const appendEvents = (path: string, events: readonly Uint8Array[]): Promise<void> =>
  appendFile(path, Buffer.concat(events.map(tfRecord)));
