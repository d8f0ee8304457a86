import { basename } from "node:path";
import { DrpoError } from "../../errors.js";
import type { TokenIds } from "../../domain/token-ids.js";
import { probeModelServer } from "../../rpc/probe-model-server.js";
import type { Finding } from "./doctor-checks.js";
import type { KnownServer } from "./locate-server.js";

/** A base that is yet to be loaded says nothing while it is. */
const SILENCE_MS = 300_000;
const TEXT = "The quick brown fox jumps over the lazy dog, and every word of this is as likely as it was before.";
/** Where no server has a tokenizer: ids that every vocabulary has. What they mean does not matter to a comparison. */
const TOKENS_OF_ANY: TokenIds = Array.from({ length: 24 }, (_, i) => 3 + ((i * 7) % 24));

type ServerWithBase = KnownServer & { readonly base: string };

/** What a server made of the text. */
export interface LogprobProbe {
  readonly server: ServerWithBase;
  /** Natural log-probabilities of the tokens after the first. */
  readonly logprobs: readonly number[];
}

/** Has every server compute the log-probabilities of the same tokens. A server that cannot is a finding. */
export async function probeLogprobs(
  servers: readonly ServerWithBase[],
): Promise<readonly { readonly finding: Finding; readonly probe: LogprobProbe | null }[]> {
  const tokens = new Map<string, TokenIds>();
  const results = [];
  // One after the other: what one server takes from another must not depend on which of them was faster.
  for (const server of servers) results.push(await probeServer(server, tokens));
  return results;
}

/** @param tokens of the text by the base's name; added to where this server has a tokenizer */
async function probeServer(
  server: ServerWithBase,
  tokens: Map<string, TokenIds>,
): Promise<{ readonly finding: Finding; readonly probe: LogprobProbe | null }> {
  const { base, info, address } = server;
  const name = `log-probabilities ${address}`;
  try {
    const connection = await probeModelServer({ ...server, silenceTimeoutMs: SILENCE_MS });
    try {
      const baseName = basename(base);
      if (!tokens.has(baseName) && info.capabilities.includes("tokenizer"))
        tokens.set(baseName, (await connection.tokenizer(base).tokenize([TEXT], { addBeginTokens: true }))[0]!);
      const row = tokens.get(baseName) ?? TOKENS_OF_ANY;
      const rows = [{ tokens: row, spanStart: 1, spanLength: row.length - 1 }];
      const logprobs = await connection.computeLogprobs(base, rows);
      const finding = judge(name, logprobs, `${tokens.has(baseName) ? "a sentence" : "fixed tokens"} by ${base}`);
      return { finding, probe: { server, logprobs } };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    const mend = "Name another --base, or look at the server's log.";
    return { finding: { name, isOk: false, found: error.message, mend }, probe: null };
  }
}

function judge(name: string, logprobs: readonly number[], what: string): Finding {
  const mean = logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length;
  const found = `${mean.toFixed(4)} nats a token on average, ${logprobs.length} tokens of ${what}`;
  if (logprobs.every(Number.isFinite)) return { name, isOk: true, found, meanLogprob: mean };
  const mend =
    "Its weights or its type of numbers are broken: check the base's files, or start the server " +
    "with another type of numbers (drpo serve --dtype).";
  return { name, isOk: false, found: `not all finite: ${found}`, mend };
}
