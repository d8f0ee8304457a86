import { BadInputError } from "../../errors.js";
import { isAddress } from "./started-servers.js";

/** @throws BadInputError for an address: a server that was not started here is only looked at from here */
export function refuseAddress(nameOrAddress: string, why: string): void {
  if (!isAddress(nameOrAddress)) return;
  throw new BadInputError(
    `${nameOrAddress} is an address: ${why}. Name a server that was started here, or look at it with drpo serve status ${nameOrAddress}.`,
  );
}
