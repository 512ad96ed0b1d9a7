import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";

import { Osp, type Watched } from "@osp-platform/client";

import { answer, endpoint, key, listen, osp, refused, saga, stub, unavailable, url } from "./setup.js";

/** A proxy that breaks its n-th connection in the middle of the event whose id is the n-th; and what clients sent. */
async function cutting(...ids: number[]): Promise<{ url: string; heads: string[] }> {
  const heads: string[] = [];
  const to = new URL(url);
  const base = await listen(
    createServer((client) => {
      const cutAt = ids[heads.length];
      const upstream = connect(Number(to.port), to.hostname);
      client.once("data", (head) => heads.push(String(head)));
      client.pipe(upstream);
      let passed = "";
      upstream.on("data", (chunk) => {
        passed += chunk;
        const found = cutAt === undefined ? -1 : passed.indexOf(`id: ${cutAt}\n`);
        if (found < 0) return void client.write(chunk);
        const cut = found + 30 - (passed.length - chunk.length); // 30: into the event's data
        client.write(chunk.subarray(0, Math.max(0, cut)), () => client.destroy());
        upstream.destroy();
      });
      upstream.on("end", () => client.end());
      for (const side of [client, upstream]) side.on("error", () => undefined);
      client.on("close", () => upstream.destroy());
    }),
  );
  return { url: base, heads };
}

async function all(watching: AsyncIterable<Watched>): Promise<Watched[]> {
  const seen: Watched[] = [];
  for await (const event of watching) seen.push(event);
  return seen;
}

const seqs = (events: Watched[]) => events.map((e) => (e.kind === "task" ? e.task.status : e.seq));

test("every event is seen once, though the connection breaks in the middle, twice", async () => {
  const { id } = await osp.start(saga(await endpoint(), "a", "b", "c"));
  const proxy = await cutting(3, 5);
  const seen = await all(new Osp({ url: proxy.url, key }).watch(id));
  const straight = await all(osp.watch(id));
  assert.ok(straight.length > 6, JSON.stringify(seqs(straight)));
  assert.deepEqual(seqs(straight).slice(0, -1), straight.slice(1).map((_, i) => i + 1));
  assert.deepEqual(seen, straight);
  assert.equal(seqs(seen).at(-1), "completed");
  assert.deepEqual(
    proxy.heads.map((head) => /^last-event-id: (.*)\r$/im.exec(head)?.[1]),
    [undefined, "2", "4"],
  );
});

test("a watch begins after the event that is known", async () => {
  const { id } = await osp.run(saga(await endpoint(), "a"));
  const [first, ...later] = await all(osp.watch(id));
  assert.equal(first?.kind, "created");
  assert.deepEqual(await all(osp.watch(id, { after: 1 })), later);
});

test("who stops watching lets go of the connection", async () => {
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const { id } = await osp.start({ ...saga(await endpoint(), "a"), process_at: later });
  const gone: Promise<void>[] = [];
  const server = createServer((client) => {
    const to = new URL(url);
    const upstream = connect(Number(to.port), to.hostname);
    const closed = new Promise<void>((resolve) => client.on("close", () => (upstream.destroy(), resolve())));
    client.once("data", () => gone.push(closed));
    client.pipe(upstream).pipe(client);
    for (const side of [client, upstream]) side.on("error", () => undefined);
  });
  const through = new Osp({ url: await listen(server), key });
  for await (const event of through.watch(id)) {
    assert.equal(event.kind, "created");
    break;
  }
  await gone[0];

  const givesUp = new AbortController();
  const watching = through.watch(id, { signal: givesUp.signal });
  await watching.next();
  const next = watching.next();
  givesUp.abort(new Error("enough"));
  await assert.rejects(next, { message: "enough" });
  await gone[1];
  assert.equal(gone.length, 2);
  await osp.cancel(id);
});

test("a task that is not there, or a key that is no longer accepted, ends a watch", async () => {
  assert.equal((await refused(osp.watch("no-such").next())).type, "/problems/no-such-task");
  assert.equal((await refused(new Osp({ url, key: "osp_old" }).watch("no-such").next())).status, 401);
});

const event = (seq: number) => `id: ${seq}\r\nevent: signal\r\ndata: {"seq":${seq},\r\ndata: "kind":"signal"}\r\n\r\n`;
const end = `id: 2-end\nevent: task\ndata: {"id":"t","status":"completed"}\n\n`;

test("a stream is read however it is cut into pieces, and what was told is not told again", async () => {
  const text = `: hello\r\n\r\nretry: 1\n\n${event(1)}${event(2)}${event(1)}${end}`;
  const server = await stub((response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const next = (i: number) => (i < text.length ? response.write(text[i], () => setImmediate(next, i + 1)) : response.end());
    next(0);
  });
  assert.deepEqual(seqs(await all(new Osp({ url: server.url }).watch("t"))), [1, 2, "completed"]);
});

test("a watch outlasts an outage, and ends when it has been in vain too often", async () => {
  const server = await stub((r) => r.writeHead(200).end(`retry: 1\n\n${event(1)}`), unavailable("0"), answer(502, "<html>"), (r) => r.writeHead(200).end(end));
  assert.deepEqual(seqs(await all(new Osp({ url: server.url }).watch("t"))), [1, "completed"]);
  assert.deepEqual(server.asked.map((a) => a.headers["last-event-id"]), [undefined, "1", "1", "1"]);

  const dead = await stub((r) => r.writeHead(200).end("retry: 1\n\n"));
  const error = await refused(new Osp({ url: dead.url }).watch("t", { retries: 2 }).next());
  assert.deepEqual([error.status, error.type, dead.asked.length], [0, "about:blank", 3]);
});
