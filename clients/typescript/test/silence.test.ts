import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Osp } from "@osp-platform/client";

// In a process of its own: Node's fetch does not bear that its timers are moved.
test("a connection on which nothing comes is given up for a new one", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const signals: AbortSignal[] = [];
  const silent: typeof fetch = async (_, init) => {
    const signal = init?.signal;
    assert.ok(signal);
    signals.push(signal);
    if (signals.length > 1) return new Response(`data: {"seq":1,"kind":"signal"}\n\n`);
    return new Response(new ReadableStream({ start: (body) => signal.addEventListener("abort", () => body.error(signal.reason)) }));
  };
  const first = new Osp({ url: "http://osp", fetch: silent }).watch("t").next();
  while (signals.length === 0) await new Promise(setImmediate);
  mock.timers.tick(44_000);
  await new Promise(setImmediate);
  assert.equal(signals[0]?.aborted, false);
  while (signals.length < 2) {
    mock.timers.tick(1000);
    await new Promise(setImmediate);
  }
  assert.equal(signals[0]?.aborted, true);
  assert.deepEqual((await first).value, { seq: 1, kind: "signal" });
});
