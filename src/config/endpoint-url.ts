import { z } from "zod";
import { isLoopbackHost } from "./loopback-host.js";

/** A URL, and the name of a variable, are where a secret ends up by mistake: messages do not repeat them. */
export const HIDE_VALUE = { hideValue: true };

/** The name of the environment variable that holds a secret. */
export const environmentVariable = z.string().refine((name) => /^[A-Za-z_]\w*$/.test(name), {
  error: "must be the name of an environment variable, not the token itself",
  params: HIDE_VALUE,
});

/**
 * What is wrong with the address of an HTTP service, without repeating it; null if nothing is.
 * @param options.tokenKey key of the recipe that names the variable with the token
 */
export function urlProblem(
  text: string,
  { allowInsecure, tokenKey }: { readonly allowInsecure: boolean; readonly tokenKey: string },
): string | null {
  if (!URL.canParse(text)) return "is not a URL; it must be like https://host/path";
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") {
    return `has credentials in it; put the token in an environment variable and name that in ${tokenKey}`;
  }
  if (protocol !== "http:" && protocol !== "https:") return `begins with ${protocol}; it must be http: or https:`;
  if (protocol === "http:" && !isLoopbackHost(hostname) && !allowInsecure) {
    return (
      `is http: at ${hostname}, where others can read what travels; ` +
      "use https:, or set allowInsecure to true on a network of your own"
    );
  }
  return null;
}
