import { isLoopbackHost } from "../config/loopback-host.js";

/** True if host:port names this machine, so that nobody else can read what travels. */
export const isLoopback = (address: string): boolean => isLoopbackHost(address.replace(/:\d+$/, ""));
