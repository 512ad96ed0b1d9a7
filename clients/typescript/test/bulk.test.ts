import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { endpoint, osp, refused, saga } from "./setup.js";

test("many are counted, and run again once under a key", async () => {
  const e = await endpoint({ "/a": 400 });
  const mark = `bulk-${randomUUID()}`;
  for (const n of [1, 2]) await osp.run({ ...saga(e, "a"), id: `${mark}-${n}` });
  const filter = { search: mark };
  while ((await osp.counts(filter)).state.failed < 2) await new Promise((r) => setTimeout(r, 50)); // rows are a moment behind
  assert.equal((await osp.bulkRetry({ filter, dry_run: true })).matched, 2);
  for (let times = 0; times < 2; times++) {
    const answer = await osp.bulkRetry({ filter }, { idempotencyKey: mark });
    assert.deepEqual([answer.matched, answer.done, answer.next], [2, 2, null]);
  }
  while ((await osp.list({ search: "400", type: "http.saga" })).tasks.filter((t) => t.retry_of?.startsWith(mark)).length < 2) {
    await new Promise((r) => setTimeout(r, 50));
  }
  const again = (await osp.list({ type: "http.saga", limit: 200 })).tasks.filter((t) => t.retry_of?.startsWith(mark));
  assert.equal(again.length, 2);
  const cancelled = await osp.bulkCancel({ filter: { ...filter, status: "failed" }, reason: "too late" });
  assert.deepEqual([cancelled.done, cancelled.refused.length], [0, 2]);
});

test("a filter that names nothing is refused", async () => {
  const problem = await refused(osp.bulkCancel({ filter: {} }));
  assert.equal(problem.errors[0]?.pointer, "/filter");
});
