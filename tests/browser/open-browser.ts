import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser of the tests: $DRPO_CHROMIUM, else the first that is on the path. */
const CHROMIUM =
  process.env["DRPO_CHROMIUM"] ??
  NAMES.flatMap((name) => (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name))).find(
    (path) => existsSync(path),
  );

export const hasChromium = CHROMIUM !== undefined && existsSync(CHROMIUM);

export interface OpenPage {
  readonly page: Page;
  /** What went wrong so far: errors and warnings on the console, exceptions, requests that failed. */
  readonly problems: readonly string[];
}

export interface OpenBrowser {
  /** A new page in a context of its own: nothing is shared with other pages. */
  openPage(options?: BrowserContextOptions): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Starts a headless chromium. Share one within a test file: it starts in about a second. */
export async function openBrowser(): Promise<OpenBrowser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM!,
    // Chromium's own sandbox does not work for root and inside most containers; the pages here are ours.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return {
    openPage: (options) => openPage(browser, options),
    close: () => browser.close(),
  };
}

async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => void problems.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    // A page that is left, or that asks anew, gives up what it asked for.
    if (why !== "net::ERR_ABORTED") problems.push(`request: ${request.url()} ${why}`);
  });
  return { page, problems };
}
