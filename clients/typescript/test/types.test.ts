import assert from "node:assert/strict";
import { test } from "node:test";

import { Osp, OspError, type Task } from "@osp-platform/client";

/** Never called: tsc looks at it, and says so when a line that must not compile does. */
export async function whatDoesNotCompile(osp: Osp): Promise<void> {
  await osp.start({ type: "t", input: {}, priority: "high" });
  // @ts-expect-error a member that requests do not have
  await osp.start({ type: "t", input: {}, urgency: "high" });
  // @ts-expect-error a value that the member does not take
  await osp.start({ type: "t", input: {}, priority: "highest" });
  // @ts-expect-error input is required
  await osp.start({ type: "t" });
  // @ts-expect-error a state is not a status
  await osp.list({ status: "waiting" });
  // @ts-expect-error an action that there is not
  await osp.resolve("t", { step: "a", action: "ignore", reason: "no" });
  // @ts-expect-error where osp is must be said
  new Osp({ key: "osp_k" });

  const task: Task<{ total: number }> = await osp.run<{ total: number }>({ type: "t", input: {} });
  task.output?.total.toFixed();
  // @ts-expect-error tasks have no such member
  task.result;
  // @ts-expect-error outputs are not known unless somebody says
  (await osp.get("t")).output.total;

  for await (const event of osp.watch("t")) {
    if (event.kind === "task") event.task.steps.map((s) => s.path);
    // @ts-expect-error only the last is about the whole task
    else event.task?.steps;
    // @ts-expect-error a kind that there is not
    if (event.kind === "finished") return;
  }
}

test("an error's type is one of those that are documented, and may be another", () => {
  const error = new OspError({ type: "/problems/conflict", title: "…", status: 409, detail: "…" });
  const type: "/problems/conflict" | (string & {}) = error.type;
  assert.equal(type, "/problems/conflict");
});
