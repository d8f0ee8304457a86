import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** A row of a run's history, as W&B's server gets it. */
export type WandbRow = Readonly<Record<string, number>>;

interface StoredRun {
  rows: WandbRow[];
  summary: Readonly<Record<string, unknown>>;
  config: Readonly<Record<string, unknown>>;
  exitCode: number | null;
  attributes: Readonly<Record<string, unknown>>;
}

/**
 * As much of W&B's server as their SDK needs to send a run, to resume one, and to replace one (`wandb sync`). The SDK
 * itself is the real one.
 */
export interface WandbServer {
  readonly url: string;
  /** By id. */
  readonly runs: ReadonlyMap<string, StoredRun>;
  close(): Promise<void>;
}

/** @param options.refuses answers everything with 403 */
export async function startWandbServer({ refuses = false } = {}): Promise<WandbServer> {
  const runs = new Map<string, StoredRun>();
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request);
    const [, id] = /^\/files\/[^/]+\/[^/]+\/([^/]+)\/file_stream/.exec(request.url ?? "") ?? [];
    const isQuery = request.url === "/graphql";
    const result = id ? stream(runs.get(id)!, parse(body)) : isQuery ? query(runs, parse(body), url) : {};
    response.writeHead(refuses ? 403 : 200, { "content-type": "application/json" }).end(JSON.stringify(result));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, runs },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

const parse = (body: Buffer) => JSON.parse(body.toString()) as Record<string, unknown>;

/** History and summary, lines at an offset. */
function stream(run: StoredRun, body: Readonly<Record<string, unknown>>): object {
  const files = (body["files"] ?? {}) as Record<string, { offset: number; content: string[] }>;
  const history = files["wandb-history.jsonl"];
  if (history)
    run.rows.splice(history.offset, Infinity, ...history.content.map((text) => JSON.parse(text) as WandbRow));
  const summary = files["wandb-summary.json"]?.content.at(-1);
  if (summary) run.summary = JSON.parse(summary) as StoredRun["summary"];
  if (body["complete"]) run.exitCode = body["exitcode"] as number;
  return {};
}

function query(runs: Map<string, StoredRun>, body: Readonly<Record<string, unknown>>, url: string): object {
  const variables = (body["variables"] ?? {}) as Record<string, string>;
  const text = body["query"] as string;
  if (text.includes("RunResumeStatus"))
    return { data: { model: { ...project, bucket: resumeStatus(runs, variables) } } };
  if (text.includes("upsertBucket(")) return { data: { upsertBucket: upsert(runs, variables) } };
  if (text.includes("createRunFiles(")) return { data: { createRunFiles: runFiles(variables, url) } };
  if (text.includes("viewer")) return { data: { viewer: { id: "1", entity: "us", username: "us", flags: "{}" } } };
  return { data: {} };
}

const project = { id: "1", name: "reviews", entity: { id: "1", name: "us" } };

function upsert(runs: Map<string, StoredRun>, variables: Readonly<Record<string, string>>): object {
  const id = variables["name"]!;
  const before = runs.get(id);
  const config = JSON.parse(variables["config"] ?? "{}") as StoredRun["config"];
  const run = before ?? { rows: [], summary: {}, config: {}, exitCode: null, attributes: variables };
  runs.set(id, Object.assign(run, { config }));
  const { rows } = run;
  const bucket = { id, name: id, displayName: variables["displayName"], config: "{}", project };
  return { bucket: { ...bucket, historyLineCount: rows.length }, inserted: before === undefined };
}

function resumeStatus(runs: ReadonlyMap<string, StoredRun>, { name }: Readonly<Record<string, string>>): object | null {
  const run = runs.get(name!);
  if (!run) return null;
  const tail = JSON.stringify(run.rows.slice(-1).map((row) => JSON.stringify(row)));
  return {
    ...{ id: name, name, displayName: "x", summaryMetrics: JSON.stringify(run.summary), config: "{}", tags: [] },
    ...{ historyLineCount: run.rows.length, eventsLineCount: 0, logLineCount: 0, historyTail: tail, eventsTail: "[]" },
    ...{ notes: null, wandbConfig: '{"t":1}' },
  };
}

function runFiles(variables: Readonly<Record<string, unknown>>, url: string): object {
  const files = (variables["files"] as string[]).map((name) => ({ name, uploadUrl: `${url}/storage/${name}` }));
  return { runID: "1", uploadHeaders: [], files };
}
