/** A server that asks for a longer wait is asked again after this one. */
const LONGEST_MS = 10 * 60_000;

/**
 * The wait that a Retry-After header asks for (RFC 9110, section 10.2.3): seconds, or a date.
 * @param header null where there is none
 * @param now ms since 1970
 * @returns ms; 0 where the header asks for nothing that can be read
 */
export function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const asked = /^\s*\d+\s*$/.test(header) ? 1000 * Number(header) : Date.parse(header) - now;
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), LONGEST_MS);
}
