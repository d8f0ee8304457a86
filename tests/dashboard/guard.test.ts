import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ResetHereRequest } from "../../src/dashboard/reset-here.js";
import { type Dashboard, type DashboardOptions, startDashboard } from "../../src/dashboard/server/start-dashboard.js";
import { BadInputError } from "../../src/errors.js";
import { buildOnce, ROOT } from "../commands/run-drpo.js";
import { writeRun } from "./write-run.js";

const TOKEN = "correct horse battery staple";
const ROUTES = [
  "/api/overview",
  "/api/runs",
  "/api/events",
  "/api/runs/secret-run",
  "/api/runs/secret-run/curves",
  "/api/runs/secret-run/rollouts?iteration=2",
  "/api/runs/secret-run/rollouts/2/2/0",
  "/api/runs/secret-run/reset-here",
];
const RESET = "/api/runs/secret-run/reset-here";
const RESET_BODY = JSON.stringify({
  iteration: 2,
  row: 2,
  continuation: 0,
  cut: 0,
  policy: "best",
  number: 1,
  temperature: null,
  seed: 0,
});

const CONTINUATIONS = [
  { text: "fresh", tokens: 1, finishReason: "stop", score: 1 },
  { text: "again", tokens: 1, finishReason: "stop", score: 2 },
] as const;

let root: string;
/** What reached the model's side: with it a server would have been started. */
const started: ResetHereRequest[] = [];
const start = (options: Partial<DashboardOptions> = {}): Promise<Dashboard> =>
  startDashboard({
    root,
    shownRoot: "the-shown-root",
    version: "1",
    host: "127.0.0.1",
    port: 0,
    resetHere: {
      continueFrom: async (request) => {
        started.push(request);
        return { iteration: 2, promptText: "", temperature: 1, continuations: CONTINUATIONS };
      },
      close: async () => undefined,
    },
    pageFolder: join(ROOT, "dist/dashboard/browser"),
    ...options,
  });

beforeAll(async () => {
  buildOnce();
  root = await mkdtemp(join(tmpdir(), "drpo-guard-"));
  await (await writeRun(join(root, "secret-run"), { iterations: 3 })).close();
});
afterAll(() => rm(root, { recursive: true }));

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends the bytes as they are: every client library would tidy the address up. Reads the head, and the body until the end. */
const send = (dashboard: Dashboard, lines: readonly string[], body = ""): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(dashboard.address).port), "127.0.0.1");
    let text = "";
    const answer = () => ({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text });
    socket.setEncoding("latin1").on("data", (part: string) => {
      text += part;
      // A stream of events has no end.
      if (text.includes("text/event-stream")) {
        socket.destroy();
        resolve(answer());
      }
    });
    socket.on("error", reject).on("close", () => resolve(answer()));
    const length = body === "" ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`];
    socket.write([...lines, ...length, "Connection: close", "", body].join("\r\n"), "latin1");
  });

const ask = (
  dashboard: Dashboard,
  target: string,
  { method = "GET", host = "localhost", headers = [] as readonly string[], body = "" } = {},
): Promise<Answer> => send(dashboard, [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers], body);

const BEARER = `Authorization: Bearer ${TOKEN}`;
const expectClosed = ({ status, text }: Answer) => {
  expect(text).not.toMatch(/secret-run|the-shown-root|text\/event-stream/);
  expect([400, 401, 403, 404, 405]).toContain(status);
};

/** The same address in other letters: any character may be written as %XX, in either case. */
const encoded = (path: string): fc.Arbitrary<string> => {
  const [name = "", query] = path.split("?");
  const spell = fc.tuple(
    ...[...name].map((character) => {
      const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
      return character === "/"
        ? fc.constantFrom("/", "/", "/", "%2f", "//")
        : fc.constantFrom(character, character, `%${hex}`, `%${hex.toUpperCase()}`, character.toUpperCase());
    }),
  );
  return spell.map((characters) => characters.join("") + (query === undefined ? "" : `?${query}`));
};

describe("a dashboard with a token", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await start({ token: TOKEN });
  });
  afterAll(() => dashboard.close());

  test.each(ROUTES)("answers %s with the token only", async (path) => {
    const method = path.endsWith("reset-here") ? "POST" : "GET";
    const body = method === "POST" ? RESET_BODY : "";
    const before = started.length;
    expect((await ask(dashboard, path, { method, body })).status).toBe(401);
    expect(started).toHaveLength(before);
    expect((await ask(dashboard, path, { method, body, headers: [BEARER] })).status).toBe(200);
    expect(started).toHaveLength(before + (method === "POST" ? 1 : 0));
  });

  test.each([
    "/%61pi/runs",
    "/%61%70%69/%72uns",
    "/api%2Fruns",
    "/API/runs",
    "/api//runs",
    "//api/runs",
    "/./api/runs",
    "/runs/../api/runs",
    "/runs/..%2f..%2fapi%2fruns",
    "/assets/../api/runs",
    "/api/runs/",
    "/api/runs.",
    "/api/runs;x=1",
    "/api/runs#/",
    "/api/runs?/assets/main.js",
    "/%61pi/events",
    "\\api\\runs",
    "/api\\runs",
    "http://localhost/api/runs",
    "HTTP://LOCALHOST/%61pi/runs",
    "https://localhost:1/api/runs?x",
    "http://localhost/assets/../%61pi/runs",
    "http:/api/runs",
    "http:///api/runs",
    "//localhost/api/runs",
    "/%zz/api/runs",
    "/api/runs/%00",
    "*",
  ])("gives nothing away for %s without it", async (target) => {
    for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "QUERY", "TRACE"]) {
      const answer = await ask(dashboard, target, { method });
      expect(answer.text).not.toMatch(/secret-run|the-shown-root|text\/event-stream/);
      // The address is one of the page's own, which shows the page and no data.
      if (answer.status === 200) expect(target).toMatch(/^\/runs\//);
      else expectClosed(answer);
    }
  });

  test("starts nothing for any spelling of an address", async () => {
    const before = started.length;
    for (const target of ["/%61pi/runs/r1/reset-here", `/%61pi${RESET.slice(4)}`, `http://localhost${RESET}`]) {
      expect((await ask(dashboard, target, { method: "POST", body: RESET_BODY })).status).toBe(401);
    }
    expect(started).toHaveLength(before);
  });

  test("PROPERTY: no spelling of an address gets data or starts anything without the token", async () => {
    const before = started.length;
    const target = fc.constantFrom(...ROUTES).chain((path) =>
      fc.record({
        target: fc
          .tuple(fc.constantFrom("", "", "http://localhost", "https://127.0.0.1:80"), encoded(path))
          .map((parts) => parts.join("")),
        method: fc.constantFrom("GET", "HEAD", "POST", "OPTIONS"),
        suffix: fc.constantFrom("", "/", "?", "?x=/assets/main.js", "#", ";", ".", "%20"),
      }),
    );
    await fc.assert(
      fc.asyncProperty(target, async ({ target, method, suffix }) => {
        const body = method === "POST" ? RESET_BODY : "";
        expectClosed(await ask(dashboard, target + suffix, { method, body }));
        expect(started).toHaveLength(before);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test("PROPERTY: whatever the address, what is answered without the token is the page's own", async () => {
    const target = fc.array(
      fc.constantFrom(
        "/",
        "api",
        "%61pi",
        "runs",
        "secret-run",
        "..",
        "%2e",
        "?",
        "%2F",
        "assets",
        "main.js",
        "//",
        "events",
      ),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(target, async (parts) => {
        const { text } = await ask(dashboard, `/${parts.join("")}`);
        const [, body = ""] = text.split("\r\n\r\n", 2);
        expect(text).not.toMatch(/the-shown-root|text\/event-stream/);
        expect(body).not.toMatch(/"id":|"iteration"/);
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  test.each([
    "Authorization: Bearer",
    "Authorization: Bearer ",
    `Authorization: Bearer ${TOKEN}x`,
    `Authorization: Bearer ${TOKEN.slice(0, -1)}`,
    `Authorization: Bearer ${TOKEN.toUpperCase()}`,
    `Authorization: Basic ${Buffer.from(`user:${TOKEN}`).toString("base64")}`,
    `Authorization: ${TOKEN}`,
    `Cookie: drpo-token=${TOKEN}`,
    `X-Authorization: Bearer ${TOKEN}`,
  ])("does not take '%s' for the token", async (header) => {
    expect((await ask(dashboard, "/api/runs", { headers: [header] })).status).toBe(401);
  });

  test("checks the Host with a token, too, and that of an absolute address", async () => {
    const headers = [BEARER];
    for (const host of [
      "evil.example",
      "evil.example:7654",
      "127.0.0.1.evil.example",
      "localhost.",
      "",
      "localhost@evil",
    ])
      for (const target of ["/", "/api/runs", "/nothing-here"])
        expect((await ask(dashboard, target, { host, headers })).status).toBe(403);
    for (const target of ["http://evil.example/api/runs", "http://localhost@evil.example/api/runs"])
      expect((await ask(dashboard, target, { headers })).status).toBe(403);
    for (const host of ["localhost:1", "LOCALHOST", "[::1]:7654", "192.0.2.7:7654", "[2001:db8::1]", hostname()])
      expect((await ask(dashboard, "/api/runs", { host, headers })).status).toBe(200);
    expect((await ask(dashboard, "http://localhost/api/runs", { headers })).status).toBe(200);
  });

  test("is not for pages of other sites, whatever they send", async () => {
    const before = started.length;
    for (const origin of ["http://evil.example", "null", "http://localhost:1", "http://localhost.evil.example"]) {
      const headers = [BEARER, `Origin: ${origin}`];
      for (const path of ["/", "/api/runs", "/api/events"])
        expect((await ask(dashboard, path, { headers })).status).toBe(403);
      expect((await ask(dashboard, RESET, { method: "POST", headers, body: RESET_BODY })).status).toBe(403);
    }
    expect(started).toHaveLength(before);
    expect((await ask(dashboard, "/api/runs", { headers: [BEARER, "Origin: http://localhost"] })).status).toBe(200);
  });
});

describe("a dashboard without a token", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await start({ allowedHosts: ["runs.example"] });
  });
  afterAll(() => dashboard.close());

  test("is for the names of this machine and those allowed", async () => {
    for (const host of ["localhost", "127.0.0.1:1", "[::1]", "runs.example", "RUNS.example:443"])
      expect((await ask(dashboard, "/api/runs", { host })).status).toBe(200);
    for (const host of ["evil.example", "192.0.2.7", hostname(), "sub.runs.example", ""])
      for (const target of ["/api/runs", "/%61pi/runs", "/", "http://localhost/api/runs"])
        expect((await ask(dashboard, target, { host })).status).toBe(403);
    expect((await ask(dashboard, "http://evil.example/api/runs")).status).toBe(403);
  });

  test("gives a link of another site the page, and no data", async () => {
    const headers = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    expect((await ask(dashboard, "/runs/secret-run", { headers })).status).toBe(200);
    for (const path of ["/api/runs", "/%61pi/events", "/nothing-here"])
      expect((await ask(dashboard, path, { headers })).status).toBe(403);
    const noCors = ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"];
    expect((await ask(dashboard, "/", { headers: noCors })).status).toBe(403);
  });
});

test.each([" padded", "padded ", "schlüssel", "two\nlines", " "])(
  "a token that no browser can send is refused: '%s'",
  async (token) => {
    await expect(start({ token })).rejects.toThrow(BadInputError);
  },
);
