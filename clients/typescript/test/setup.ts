import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { after } from "node:test";

import { Osp, OspError, type Start } from "@osp-platform/client";

function env(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: cmd/osp/client_test.go starts osp and sets it`);
  return value;
}

/** The real osp, and a key of an operator. */
export const url = env("OSP_URL");
export const key = env("OSP_KEY");
export const osp = new Osp({ url, key });

/** Listens on a free port until the tests of the file are over. */
export async function listen(server: Server | NetServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Somebody's service, which steps call: it answers each path with a status, and remembers what it was asked. */
export interface Endpoint {
  url: string;
  saw: string[];
}

export async function endpoint(answers: Record<string, number> = {}): Promise<Endpoint> {
  const saw: string[] = [];
  const base = await listen(
    createServer((request, response) => {
      request.resume();
      const path = request.url ?? "";
      saw.push(path);
      response.writeHead(answers[path] ?? 200, { "Content-Type": "application/json" }).end(JSON.stringify({ path }));
    }),
  );
  return { url: base, saw };
}

/** A saga over an endpoint, with steps that are named after their paths. */
export function saga(e: Endpoint, ...names: string[]): Start {
  const steps = names.map((name) => ({
    name,
    do: { method: "POST", url: `${e.url}/${name}`, body: {} },
    undo: { method: "POST", url: `${e.url}/undo-${name}` },
  }));
  return { type: "http.saga", input: { steps } };
}

/** What a stub was asked. */
export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
  at: number;
}

/** A server in the place of osp, which gives these answers one after the other, and the last one from then on. */
export async function stub(...answers: ((response: ServerResponse) => void)[]): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const base = await listen(
    createServer(async (request, response) => {
      const at = performance.now();
      let body = "";
      for await (const chunk of request) body += chunk;
      asked.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body, at });
      answers[Math.min(asked.length, answers.length) - 1]?.(response);
    }),
  );
  return { url: base, asked };
}

export function answer(status: number, body: unknown, headers: Record<string, string> = {}): (response: ServerResponse) => void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return (response) => void response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(text);
}

export const unavailable = (retryAfter: string) =>
  answer(503, { type: "/problems/unavailable", title: "Not available right now", status: 503, detail: "…" }, { "Retry-After": retryAfter });

/** The OspError that a promise is rejected with. */
export async function refused(promise: Promise<unknown>): Promise<OspError> {
  const outcome = await promise.then(
    (value) => assert.fail(`not refused: ${JSON.stringify(value)}`),
    (e: unknown) => e,
  );
  assert.ok(outcome instanceof OspError, String(outcome));
  return outcome;
}
