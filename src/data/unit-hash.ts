import { createHash } from "node:crypto";

/** 2^48: six bytes of the hash are read, which a double holds exactly. */
const BUCKETS = 0x1_0000_0000_0000;

/** A text's SHA-256 as a number in [0, 1): the same on every machine, uniform over texts. */
export const unitHash = (text: string): number => createHash("sha256").update(text).digest().readUIntBE(0, 6) / BUCKETS;
