import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, describe, expect, test } from "@jest/globals";
import { ServerUnavailableError } from "../../src/errors.js";
import { probeModelServer } from "../../src/rpc/probe-model-server.js";
import { startTestbed } from "../../src/testbed/start-testbed.js";
import { impatientClock } from "./manual-clock.js";
import { VOCABULARY } from "./testbed-connection.js";

const folder = mkdtempSync(join(tmpdir(), "drpo-tls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A certificate for 127.0.0.1 that is its own authority. @returns false if this machine has no openssl */
const makeCertificate = (name: string): boolean => {
  const { status } = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)],
  ]);
  return status === 0;
};

(makeCertificate("server") && makeCertificate("other") ? describe : describe.skip)("over TLS", () => {
  const start = () => {
    const [cert, key] = ["server.pem", "server.key"].map((file) => readFileSync(join(folder, file)));
    const credentials = ServerCredentials.createSsl(null, [{ cert_chain: cert!, private_key: key! }]);
    return startTestbed({ vocabulary: VOCABULARY, contextTokens: 4, credentials, token: "secret" });
  };
  const probe = (address: string, authority: string) =>
    probeModelServer({
      address,
      token: "secret",
      tlsCa: join(folder, authority),
      silenceTimeoutMs: 60_000,
      clock: impatientClock,
    });

  test("a server of the trusted authority is spoken to, one of another is not", async () => {
    const testbed = await startTestbed({ vocabulary: VOCABULARY, contextTokens: 4 });
    await expect(probe(testbed.address, "server.pem")).rejects.toThrow(ServerUnavailableError);
    await testbed.close();
    const encrypted = await start();
    const connection = await probe(encrypted.address, "server.pem");
    expect(connection.info.engine).toBe("tables");
    connection.close();
    await expect(probe(encrypted.address, "other.pem")).rejects.toThrow(ServerUnavailableError);
    await encrypted.close();
  });
});
