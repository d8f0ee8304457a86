import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { expectNoViolations } from "./expect-no-violations.js";
import { hasChromium, openBrowser, type OpenBrowser } from "./open-browser.js";

const page = (main: string) =>
  `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:," />` +
  `<main><h1>A page</h1>${main}</main></html>`;

const pages: Readonly<Record<string, string>> = {
  "/good": page("<p>Nothing is wrong.</p>"),
  "/bad": page('<button></button><script src="/missing.js"></script>'),
};

(hasChromium ? describe : describe.skip)("the browser of the tests", () => {
  let server: Server;
  let browser: OpenBrowser;
  let address: string;
  beforeAll(async () => {
    server = createServer(({ url = "" }, response) => {
      const headers = { "content-type": "text/html", "content-security-policy": "default-src 'self'; img-src data:" };
      response.writeHead(url in pages ? 200 : 404, headers).end(pages[url] ?? "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test("finds nothing wrong with a page that is well", async () => {
    const { page, problems } = await browser.openPage();
    await page.goto(`${address}/good`);
    await expectNoViolations(page);
    expect(problems).toEqual([]);
  });

  test("tells a missing script, and a button without a name", async () => {
    const { page, problems } = await browser.openPage({ colorScheme: "dark" });
    await page.goto(`${address}/bad`);
    expect(problems.join("\n")).toMatch(/404/);
    await expect(expectNoViolations(page)).rejects.toThrow(/button-name at button/);
  });
});
