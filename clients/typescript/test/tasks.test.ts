import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { hasEnded, Osp } from "@osp-platform/client";

import { endpoint, key, osp, refused, saga, url } from "./setup.js";

test("a task that is started is waited for until it has completed", async () => {
  const e = await endpoint();
  const begun = await osp.start(saga(e, "a", "b"));
  const task = await osp.wait<{ steps: unknown }>(begun.id);
  assert.equal(task.status, "completed");
  assert.deepEqual(task.steps.map((s) => [s.path, s.state]), [["a", "completed"], ["b", "completed"]]);
  assert.deepEqual(e.saw, ["/a", "/b"]);
  assert.ok(hasEnded(task) && !hasEnded({ status: "running" }));
});

test("run starts a task and returns it when it has ended", async () => {
  const task = await osp.run(saga(await endpoint(), "a"));
  assert.equal(task.status, "completed");
});

test("a step that fails for good undoes those before it, and the task says so", async () => {
  const e = await endpoint({ "/b": 400 });
  const task = await osp.run(saga(e, "a", "b", "c"));
  assert.equal(task.status, "failed");
  assert.match(task.error ?? "", /400/);
  assert.equal(task.steps[0]?.state, "compensated");
  assert.deepEqual(e.saw.filter((path) => path !== "/undo-b"), ["/a", "/b", "/undo-a"]);
});

test("the same id twice is one task, and another input under it is a conflict", async () => {
  const e = await endpoint();
  const id = `order-${randomUUID()}`;
  const first = await osp.run({ ...saga(e, "a"), id });
  const again = await osp.start({ ...saga(e, "a"), id });
  assert.equal(again.id, first.id);
  assert.deepEqual(e.saw, ["/a"]);
  const conflict = await refused(osp.start({ ...saga(e, "b"), id }));
  assert.equal(conflict.type, "/problems/conflict");
  assert.equal(conflict.status, 409);
  assert.ok(conflict.requestId);
});

test("the same idempotency key twice is one task; without one each start is another", async () => {
  const e = await endpoint();
  const idempotencyKey = randomUUID();
  const [one, two] = [await osp.start(saga(e, "a"), { idempotencyKey }), await osp.start(saga(e, "a"), { idempotencyKey })];
  assert.equal(one.id, two.id);
  const [three, four] = [await osp.start(saga(e, "a")), await osp.start(saga(e, "a"))];
  assert.notEqual(three.id, four.id);
  await Promise.all([one, three, four].map((task) => osp.wait(task.id)));
});

test("what is wrong with a request has its place", async () => {
  const invalid = await refused(osp.start({ type: "http.saga", input: { steps: [{ name: "a" }] } }));
  assert.equal(invalid.type, "/problems/invalid");
  assert.equal(invalid.status, 422);
  assert.match(invalid.errors[0]?.pointer ?? "", /^\/input\/steps\/0/);
  assert.match(invalid.message, /\/input\/steps\/0/);
});

test("a batch says what became of each", async () => {
  const e = await endpoint();
  const id = `batch-${randomUUID()}`;
  const batch = await osp.startBatch([{ ...saga(e, "a"), id }, saga(e, "b"), { type: "no_such_type", input: {} }]);
  assert.deepEqual([batch.accepted, batch.existing, batch.refused], [2, 0, 1]);
  assert.equal(batch.items[0]?.id, id);
  assert.equal(batch.items[2]?.problem?.type, "/problems/unknown-type");
  await Promise.all([osp.wait(id), osp.wait(batch.items[1]?.id ?? "")]);
});

test("tasks are read and listed, page by page", async () => {
  const e = await endpoint();
  const service = `list-${randomUUID()}`;
  const ids: string[] = [];
  for (const name of ["a", "b", "c"]) {
    ids.unshift((await osp.run({ ...saga(e, name), service })).id);
  }
  while ((await osp.list({ service })).tasks.length < 3); // rows come a moment later
  let page = await osp.list({ service, limit: 2 });
  const listed = [...page.tasks];
  while (page.next) {
    page = await osp.list({ service, limit: 2, cursor: page.next });
    listed.push(...page.tasks);
  }
  assert.deepEqual(listed.map((t) => t.id), ids);
  assert.equal((await osp.get(ids[0] ?? "")).status, "completed");
  assert.equal((await refused(osp.get("no-such"))).type, "/problems/no-such-task");
});

test("a task that waits is cancelled, and what it began is undone", async () => {
  const e = await endpoint({ "/b": 503 }); // tried again after a pause
  const begun = await osp.start(saga(e, "a", "b"));
  for await (const event of osp.watch(begun.id)) {
    if (event.kind === "attempt_failed") break;
  }
  await osp.cancel(begun.id, { reason: "the guests have left" });
  const task = await osp.wait(begun.id);
  assert.equal(task.status, "cancelled");
  assert.ok(e.saw.includes("/undo-a"), e.saw.join(" "));
  assert.equal((await osp.cancel(begun.id)).status, "cancelled");
  const completed = await osp.run(saga(e, "a"));
  assert.equal((await refused(osp.cancel(completed.id))).type, "/problems/finished");
});

test("a task that has ended is started anew", async () => {
  const e = await endpoint({ "/b": 400 });
  const first = await osp.run(saga(e, "a", "b"));
  const second = await osp.retry(first.id, { wait: 20_000 });
  assert.equal(second.retry_of, first.id);
  assert.equal(second.status, "failed");
});

test("an operator decides about a step that is stuck", async () => {
  const e = await endpoint({ "/b": 400, "/undo-a": 400 });
  const begun = await osp.start(saga(e, "a", "b"));
  for await (const event of osp.watch(begun.id)) {
    if (event.kind === "stuck") break;
  }
  const task = await osp.resolve(begun.id, { step: "a", action: "skip", reason: "it does not matter" }, { wait: 20_000 });
  assert.equal(task.status, "failed");
  assert.deepEqual(task.not_undone, ["a"]);
  const late = await refused(osp.resolve(begun.id, { step: "a", action: "done", reason: "again" }));
  assert.equal(late.status, 409);
});

test("waiting ends when its time is over, or the caller gives up; the task goes on", async () => {
  const e = await endpoint();
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const { id } = await osp.start({ ...saga(e, "a"), process_at: later });
  await assert.rejects(osp.wait(id, { timeout: 50 }), { name: "TimeoutError" });
  const givesUp = new AbortController();
  const waiting = osp.wait(id, { signal: givesUp.signal });
  givesUp.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  assert.equal((await osp.cancel(id, { wait: 20_000 })).status, "cancelled");
});

test("a key that is not accepted is told from one that may not", async () => {
  assert.equal((await refused(new Osp({ url, key: `${key}x` }).list())).type, "/problems/unauthenticated");
  assert.equal((await refused(new Osp({ url }).list())).status, 401);
  const asked: number[] = [];
  const byToken = new Osp({ url: new URL(url), token: async () => (asked.push(1), key) });
  await byToken.list({ limit: 1 });
  await byToken.list({ limit: 1 });
  assert.equal(asked.length, 2);
});

test("an id that a URL cannot name asks for nothing", async () => {
  for (const id of ["", "..", "a/b"]) assert.throws(() => osp.get(id), TypeError);
  assert.throws(() => new Osp({ url, key, token: () => key }), TypeError);
});
