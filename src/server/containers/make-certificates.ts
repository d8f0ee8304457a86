import { join } from "node:path";
import { execa, type ExecaError } from "execa";
import { EnvironmentError } from "../../errors.js";
import { PACKAGE_ROOT } from "../package-root.js";

/** Files of a server beyond loopback, and the authority that its clients trust. */
export interface Certificates {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Makes an authority and a certificate for 127.0.0.1 in a folder, by scripts/make-certificates.
 * @throws EnvironmentError without openssl
 */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const script = join(PACKAGE_ROOT, "scripts", "make-certificates");
  const result = await execa(script, ["--to", folder, "server=localhost"], { reject: false });
  if (result.failed)
    throw new EnvironmentError(
      `No certificates for the server could be made: ${String(result.stderr).trim() || (result as ExecaError).shortMessage}`,
    );
  const of = (name: string) => join(folder, "server", name);
  return { cert: of("tls.crt"), key: of("tls.key"), ca: of("ca.crt") };
}
