import assert from "node:assert/strict";
import { test } from "node:test";

import type { Types } from "@osp-platform/client";

import { osp, refused } from "./setup.js";

const definition = {
  id: `greet_${Date.now()}`, // one that no earlier run has deployed
  input_schema: { type: "object", required: ["who"], properties: { who: { type: "string" } } },
  steps: [
    { id: "pause", type: "wait_signal", wait: { signal_name: "go_on" } },
    { id: "greet", type: "activity", activity: { type: "transform_data", params: { message: "hello ${who}" } } },
  ],
};

test("a workflow is deployed, activated and run, and takes its signal once", async () => {
  const checked = await osp.check(definition);
  assert.equal(checked.workflow, definition.id);
  const first = await osp.deploy(definition, { reason: "a test" });
  assert.deepEqual([first.state, first.created, first.hash], ["draft", true, checked.hash]);
  assert.equal((await osp.deploy(definition)).created, false);
  const version = await osp.activate(definition.id, first.version, "it is wanted");
  assert.equal(version.state, "active");

  const { id } = await osp.start({ type: definition.id, input: { who: "Ada" } });
  const sent = await osp.signal(id, "go_on", { by: "Grace" }, { idempotencyKey: "once" });
  assert.deepEqual(sent, { id, signal: "go_on" });
  await osp.signal(id, "go_on", { by: "Grace" }, { idempotencyKey: "once" }).catch((e: unknown) => {
    assert.equal((e as { type?: string }).type, "/problems/finished");
  });
  const task = await osp.wait(id);
  assert.equal(task.status, "completed");
  assert.deepEqual(task.steps.map((s) => s.output), [{ by: "Grace" }, { message: "hello Ada" }]);
  const signals = [];
  for await (const event of osp.watch(id)) {
    if (event.kind === "signal") signals.push(event.signal);
  }
  assert.deepEqual(signals, ["go_on"]);
  assert.equal((await refused(osp.signal(id, "go_on"))).type, "/problems/finished");
});

test("what is wrong with a definition in YAML has its line", async () => {
  const invalid = await refused(osp.check("id: greet\nsteps:\n  - id: a\n    type: nonsense\n"));
  assert.equal(invalid.type, "/problems/invalid");
  assert.equal(invalid.errors[0]?.line, 4);
});

test("what has no method is called by its path", async () => {
  const { types } = await osp.request<Types>("GET", "/v1/types");
  assert.ok(types.some((t) => t.name === "http.saga"));
});

test("a person answers, once, a workflow of a service", async () => {
  const service = `restaurant_${Date.now()}`;
  const approval = {
    id: "approval",
    steps: [{ id: "approve", type: "human_task", human_task: { assignee_role: "operator", title: "A table for twenty?" } }],
  };
  const { version } = await osp.deploy(approval, { service });
  assert.equal((await refused(osp.activate(approval.id, version, "the platform has none"))).status, 404);
  assert.equal((await osp.activate(approval.id, version, "it is wanted", { service })).service, service);
  const { id } = await osp.start({ type: approval.id, service, input: {} });

  let open = await osp.humanTasks({ service });
  while (open.human_tasks.length === 0) open = await osp.humanTasks({ service }); // the row comes a moment later
  assert.deepEqual(open.human_tasks.map((h) => [h.task, h.step, h.title]), [[id, "approve", "A table for twenty?"]]);
  const answer = { outcome: "completed", output: { table: 7 } } as const;
  const answered = await osp.answer(id, "approve", answer);
  assert.equal(answered.outcome, "completed");
  assert.deepEqual(await osp.answer(id, "approve", answer), answered);
  assert.equal((await refused(osp.answer(id, "approve", { outcome: "rejected" }))).type, "/problems/answered");
  assert.equal((await osp.wait(id)).status, "completed");
});
