import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { EnvironmentError } from "../../errors.js";

export interface PageFile {
  readonly type: string;
  readonly content: Buffer | string;
}

/** What the page is made of, each file under the one address that it has. */
export interface PageFiles {
  readonly index: PageFile;
  readonly files: ReadonlyMap<string, PageFile>;
  /** Content-Security-Policy: nothing but the page's own files, and nothing inline but the import map. */
  readonly policy: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Bare names of the page's imports, and the browser's build of each: beside what Node would import. */
const PACKAGES: Readonly<Record<string, string>> = {
  preact: "preact.module.js",
  "preact/hooks": "hooks.module.js",
  "preact/jsx-runtime": "jsxRuntime.module.js",
  uplot: "uPlot.esm.js",
};

/**
 * Reads the page into memory: what it consists of is listed here and nowhere else, so that no address reaches another file.
 * @param folder with the compiled scripts and the style sheet
 * @throws EnvironmentError if it is not there
 */
export async function readPageFiles(folder: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  const own = await readdir(folder).catch(() => []);
  for (const name of own.filter((one) => extname(one) in TYPES)) {
    files.set(`/assets/${name}`, await pageFile(join(folder, name)));
  }
  if (!files.has("/assets/main.js")) {
    throw new EnvironmentError(`The page of the dashboard is not built: ${folder} has no main.js. Run: npm run build`);
  }
  const require = createRequire(import.meta.url);
  const imports: Record<string, string> = {};
  for (const [name, file] of Object.entries(PACKAGES)) {
    imports[name] = `/packages/${file}`;
    files.set(`/packages/${file}`, await pageFile(join(dirname(require.resolve(name)), file)));
  }
  files.set("/packages/uPlot.min.css", await pageFile(join(dirname(require.resolve("uplot")), "uPlot.min.css")));
  const importMap = JSON.stringify({ imports });
  return {
    index: { type: "text/html; charset=utf-8", content: indexOf(importMap) },
    files,
    policy: policyOf(importMap),
  };
}

const pageFile = async (path: string): Promise<PageFile> => ({
  type: TYPES[extname(path)]!,
  content: await readFile(path),
});

const policyOf = (importMap: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'sha256-${createHash("sha256").update(importMap).digest("base64")}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

const indexOf = (importMap: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>Runs - drpo</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
<link rel="stylesheet" href="/packages/uPlot.min.css" />
<link rel="stylesheet" href="/assets/dashboard.css" />
<script type="importmap">${importMap}</script>
<script type="module" src="/assets/main.js"></script>
</head>
<body>
<div id="app"><main><h1>Runs</h1><p>Loading the dashboard.</p></main></div>
<noscript>The dashboard needs JavaScript. A report does without: drpo report RUN-DIR</noscript>
</body>
</html>
`;
