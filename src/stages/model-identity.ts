import { createHash } from "node:crypto";
import type { CreatedModel } from "../ports/model-store.js";

/**
 * SHA-256 (hexadecimal) of what a model that the recipe names by its folder is, wherever the folder is: its weights, and all
 * that decides what they compute.
 */
export const identityOf = ({ version, baseHash = "" }: CreatedModel): string =>
  createHash("sha256").update(`${baseHash} ${version.weightsHash}`).digest("hex");
