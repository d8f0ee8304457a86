import { readFileSync } from "node:fs";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { BadInputError } from "../errors.js";
import { isLoopback } from "./loopback.js";

export interface ChannelOptions {
  /** host:port. */
  readonly address: string;
  /** Sent as `authorization: Bearer`; never logged. */
  readonly token?: string | undefined;
  /** File with the certificate authority to trust (PEM); without it the channel is not encrypted, which only loopback may be. */
  readonly tlsCa?: string | undefined;
}

/** One HTTP/2 connection to a server, and what every call on it carries. */
export interface Channel {
  readonly address: string;
  readonly client: Client;
  readonly metadata: Metadata;
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const readCertificate = (file: string): Buffer => {
  try {
    const content = readFileSync(file);
    // OpenSSL does not find "-----BEGIN" behind a byte-order mark.
    return content.subarray(0, 3).equals(UTF8_MARK) ? content.subarray(3) : content;
  } catch (cause) {
    throw new BadInputError(`server.tlsCa: cannot read ${file}. Give the PEM file of the authority to trust.`, {
      cause,
    });
  }
};

const chooseCredentials = ({ address, tlsCa }: ChannelOptions): ChannelCredentials => {
  if (tlsCa !== undefined) return credentials.createSsl(readCertificate(tlsCa));
  if (isLoopback(address)) return credentials.createInsecure();
  throw new BadInputError(
    `${address} is not on this machine, so the connection must be encrypted: set server.tlsCa, or reach the server through a ` +
      `tunnel that ends on 127.0.0.1.`,
  );
};

/**
 * Opens a channel; it connects with the first call.
 * @throws BadInputError without TLS beyond loopback, or for an unreadable certificate.
 */
export const openChannel = (options: ChannelOptions): Channel => {
  const metadata = new Metadata();
  if (options.token !== undefined) metadata.set("authorization", `Bearer ${options.token}`);
  const client = new Client(options.address, chooseCredentials(options), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    // Retries are made by retry.ts, which knows what may be repeated; the channel must be ready again before the last one.
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.use_local_subchannel_pool": 1,
    ...(isLoopback(options.address) ? { "grpc.enable_http_proxy": 0 } : {}),
  });
  return { address: options.address, client, metadata };
};
