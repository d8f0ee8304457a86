import { createHash } from "node:crypto";

/** 2^48: six bytes of the hash are read, which a double holds exactly. */
const BUCKETS = 0x1_0000_0000_0000;

/**
 * Whether a row is held out: a hash of its id, read as a number in [0, 1), lies below the share. It depends on no other
 * row, so a growing dataset never moves a row from one side to the other; and a larger share only adds to the held-out side.
 */
export function isHeldOut(id: string, heldOutShare: number): boolean {
  const unit = createHash("sha256").update(id).digest().readUIntBE(0, 6) / BUCKETS;
  return unit < heldOutShare;
}
