import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ResetPool, ResetPoolRow } from "../domain/reset-pool.js";
import type { TokenIds } from "../domain/token-ids.js";
import { BadInputError } from "../errors.js";
import { hasField, idField, refuseEmpty, refuseRepeatedIds, textField, valueOf, type DataRow } from "./data-row.js";
import { parseDataFile } from "./parse-data-file.js";
import { refuseNonUnicode } from "./unicode-text.js";
import { exactNumber } from "./written-number.js";

/**
 * Reads a pool of responses to reset into: a data file of {id?, prompt | promptTokens, response | responseTokens}.
 * @param vocabularySize tokens of the base, where that is known before a server is asked
 * @throws BadInputError naming file and line: no such file, no rows, a row without what it needs, a token outside the
 * vocabulary, an id that occurs twice
 */
export async function readResetPool(path: string, vocabularySize: number | null): Promise<ResetPool> {
  const content = await readFile(path).catch((cause: unknown) => {
    throw new BadInputError(`policy.reset.source.path: the pool ${path} cannot be read: ${String(cause)}.`, { cause });
  });
  const refuseRepeated = refuseRepeatedIds();
  const rows = (await parseDataFile(path, content)).map((row, i): ResetPoolRow => {
    const id = idField(row) ?? `row-${i + 1}`;
    refuseRepeated(id, row.where, "give each row an id of its own");
    const prompt = textOrTokens(row, "prompt", vocabularySize);
    const response = textOrTokens(row, "response", vocabularySize);
    return refuseNonUnicode({ id, prompt, response, where: row.where }, row);
  });
  if (rows.length === 0) {
    throw new BadInputError(
      `policy.reset.source.path: the pool ${path} has no rows; each line is one {id?, prompt | promptTokens, response | responseTokens}.`,
    );
  }
  return { rows, hash: createHash("sha256").update(content).digest("hex") };
}

function textOrTokens(row: DataRow, name: string, vocabularySize: number | null): string | TokenIds {
  const tokensName = `${name}Tokens`;
  if (!hasField(row, tokensName) && (hasField(row, name) || valueOf(row, tokensName) === undefined)) {
    return textField(row, name);
  }
  if (hasField(row, name)) {
    throw new BadInputError(`${row.where}: the row has both "${name}" and "${tokensName}"; keep one.`);
  }
  const tokens = valueOf(row, tokensName);
  if (!Array.isArray(tokens)) refuseEmpty(tokens, row.where, `"${tokensName}"`);
  const ids = Array.isArray(tokens) ? tokens.map(exactNumber) : [];
  if (ids.length === 0 || !ids.every(isTokenId)) {
    throw new BadInputError(`${row.where}: "${tokensName}" is not a list of token ids (whole numbers, at least one).`);
  }
  refuseUnknownTokens(ids, vocabularySize, `${row.where}: "${tokensName}"`);
  return ids;
}

const isTokenId = (id: number | null): id is number => id !== null && Number.isInteger(id) && id >= 0;

function refuseUnknownTokens(tokens: TokenIds, vocabularySize: number | null, where: string): void {
  const unknown = vocabularySize === null ? -1 : tokens.findIndex((token) => token >= vocabularySize);
  if (unknown === -1) return;
  throw new BadInputError(
    `${where} holds token ${tokens[unknown]}, which is outside the base's vocabulary of ${vocabularySize}: ` +
      "the pool was made with another tokenizer.",
  );
}
