/** True if host:port names this machine, so that nobody else can read what travels. */
export const isLoopback = (address: string): boolean => {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
};
