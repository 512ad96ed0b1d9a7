import assert from "node:assert/strict";
import { test } from "node:test";

import { Osp, OspError } from "@osp-platform/client";

import { answer, refused, stub, unavailable } from "./setup.js";

const request = { type: "t", input: {} };
const task = { id: "t1", type: "t", status: "completed" };
const broken = (response: import("node:http").ServerResponse) => void response.destroy();
const overloaded = answer(503, { type: "/problems/overloaded", title: "Too much", status: 503, detail: "…" }, { "Retry-After": "0" });

test("a 503 with Retry-After is tried again, not before, and with the same key", async () => {
  const server = await stub(unavailable("1"), answer(202, task));
  const started = await new Osp({ url: server.url, key: "osp_k" }).start(request);
  assert.equal(started.id, "t1");
  const [first, second] = server.asked;
  assert.ok(first && second && server.asked.length === 2);
  assert.ok(second.at - first.at >= 990, `${second.at - first.at} ms`);
  assert.match(String(first.headers["idempotency-key"]), /^[0-9a-f]{32}$/);
  assert.equal(second.headers["idempotency-key"], first.headers["idempotency-key"]);
  assert.deepEqual([second.body, second.headers.authorization], [JSON.stringify(request), "Bearer osp_k"]);
});

test("a start whose connection breaks is tried again; one with an id needs no key", async () => {
  const server = await stub(broken, answer(502, "<html>"), answer(200, task));
  await new Osp({ url: server.url }).start({ ...request, id: "t1" }, { wait: 3500 });
  assert.equal(server.asked.length, 3);
  assert.equal(server.asked[2]?.headers["idempotency-key"], undefined);
  assert.equal(server.asked[2]?.headers.prefer, "wait=4");
});

test("what may have been done is not done again, and what was refused before it was done is", async () => {
  for (const first of [broken, unavailable("0")]) {
    const server = await stub(first, answer(202, task));
    await refused(new Osp({ url: server.url }).retry("t1"));
    assert.equal(server.asked.length, 1);
  }
  for (const first of [overloaded, answer(429, "slow down", { "Retry-After": "0" })]) {
    const server = await stub(first, answer(202, task));
    assert.equal((await new Osp({ url: server.url }).retry("t1")).id, "t1");
    assert.equal(server.asked.length, 2);
  }
});

test("trying again has an end", async () => {
  const server = await stub(unavailable("0"));
  const error = await refused(new Osp({ url: server.url, retries: 2 }).get("t1"));
  assert.deepEqual([error.type, error.status, error.retryAfter], ["/problems/unavailable", 503, 0]);
  assert.equal(server.asked.length, 3);
  await refused(new Osp({ url: server.url }).get("t1", { retries: 0 }));
  assert.equal(server.asked.length, 4);
});

test("a Retry-After that is too long is told, not waited for", async () => {
  const date = new Date(Date.now() + 600_000).toUTCString();
  const server = await stub(unavailable(date));
  const error = await refused(new Osp({ url: server.url }).get("t1"));
  assert.ok(error.retryAfter !== undefined && error.retryAfter > 590_000 && error.retryAfter <= 600_000, String(error.retryAfter));
  assert.equal(server.asked.length, 1);
});

test("who gives up is not kept waiting", async () => {
  const givesUp = new AbortController();
  let calls = 0;
  const osp = new Osp({
    url: "http://osp",
    fetch: async () => {
      calls++;
      return new Response("not now", { status: 503, headers: { "Retry-After": "30" } });
    },
  });
  const began = performance.now();
  const waiting = assert.rejects(osp.get("t1", { signal: givesUp.signal }), { message: "enough" });
  for (let i = 0; i < 20; i++) await new Promise(setImmediate); // now it is in the pause
  givesUp.abort(new Error("enough"));
  await waiting;
  await assert.rejects(osp.get("t1", { signal: AbortSignal.abort(new Error("before")) }), { message: "before" });
  assert.equal(calls, 1);
  assert.ok(performance.now() - began < 10_000);
});

test("an answer that is not osp's is an error that says so", async () => {
  const server = await stub(answer(404, "<html>"), answer(200, "<html>"));
  const osp = new Osp({ url: `${server.url}/osp/` });
  const notFound = await refused(osp.get("t1"));
  assert.deepEqual([notFound.type, notFound.status, notFound.title], ["about:blank", 404, "Not Found"]);
  assert.match((await refused(osp.get("t1"))).detail, /not JSON/);
  assert.equal(server.asked[0]?.path, "/osp/v1/tasks/t1");
  const nobody = await refused(new Osp({ url: "http://127.0.0.1:1", retries: 0 }).get("t1"));
  assert.equal(nobody.status, 0);
  assert.ok(nobody.cause instanceof Error);
  assert.ok(nobody instanceof OspError && nobody instanceof Error);
});

test("fetch can be passed in, and is asked with what the caller gave", async () => {
  const urls: string[] = [];
  const osp = new Osp({
    url: "/osp",
    fetch: async (input) => {
      urls.push(String(input));
      return Response.json({ tasks: [] });
    },
  });
  await osp.list({ status: "failed", from: "2026-11-24T08:00:00+01:00", limit: 5, cursor: undefined });
  assert.deepEqual(urls, ["/osp/v1/tasks?status=failed&from=2026-11-24T08%3A00%3A00%2B01%3A00&limit=5"]);
});
