import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

import type { Watched } from "@osp-platform/client";
import type { RequestEvent } from "@sveltejs/kit";

import { endpoint, key, osp, refused, saga } from "./setup.js";

/** Puts a module in the place of one of SvelteKit's. */
async function standIn(name: string, path: string, text: string): Promise<void> {
  const dir = `build/node_modules/${name}`;
  await mkdir(dir, { recursive: true });
  await writeFile(`${dir}/package.json`, JSON.stringify({ type: "module", exports: { [path]: "./index.js" } }));
  await writeFile(`${dir}/index.js`, text);
}

await standIn("$env", "./dynamic/private", "export const env = process.env;");
await standIn("@sveltejs/kit", ".", "export const json = (value, init) => Response.json(value, init);");

/** What SvelteKit would hand to a route for this request, of a user who is signed in. */
function event(request: Request, params: Record<string, string> = {}): RequestEvent {
  const session = { access_token: key };
  return { locals: { safeGetSession: async () => ({ session }) }, params, request, url: new URL(request.url) };
}

const order = (id: string, input: unknown) => new Request("http://app/orders", { method: "POST", body: JSON.stringify({ id, ...(input as object) }) });

test("README.md shows what is tested here", async () => {
  const readme = await readFile("README.md", "utf8");
  for (const name of ["start", "relay", "follow"]) {
    const text = await readFile(`test/readme/${name}.ts`, "utf8");
    assert.ok(readme.includes("```ts\n" + text + "```\n"), `README.md does not show test/readme/${name}.ts as it is`);
  }
});

test("a route starts a workflow as the user who is signed in, and tells what is wrong", async () => {
  const definition = {
    id: "orderFulfilment",
    input_schema: { type: "object", required: ["table"], properties: { table: { type: "integer" } } },
    steps: [{ id: "say", type: "activity", activity: { type: "log_event", params: { event: "table ${table}" } } }],
  };
  const { version } = await osp.deploy(definition);
  await osp.activate(definition.id, version, "a test").catch(async (error: unknown) => {
    assert.equal((await refused(Promise.reject(error))).status, 422); // it is active since an earlier run
  });
  const { POST } = await import("./readme/start.js");
  const id = randomUUID();
  const accepted = await POST(event(order(id, { table: 7 })));
  assert.equal(accepted.status, 202);
  assert.deepEqual(await accepted.json(), { task: `order-${id}` });
  assert.equal((await osp.wait(`order-${id}`)).status, "completed");

  const refusedOrder = await POST(event(order(randomUUID(), { table: "seven" })));
  assert.equal(refusedOrder.status, 422);
  assert.equal((await refusedOrder.json()).errors[0].pointer, "/input/table");
});

test("a browser follows a task through a route of its own origin", async (t) => {
  const { GET } = await import("./readme/relay.js");
  const { follow } = await import("./readme/follow.js");
  const direct = globalThis.fetch;
  const asked: string[] = [];
  globalThis.fetch = async (input, init) => {
    if (typeof input !== "string" || !input.startsWith("/osp/")) return direct(input, init);
    asked.push(input);
    const request = new Request(`http://app${input}`, init);
    return GET(event(request, { path: input.slice("/osp/v1/tasks/".length) }));
  };
  t.after(() => (globalThis.fetch = direct));

  const { id } = await osp.start(saga(await endpoint(), "a"));
  const seen: Watched[] = [];
  const ended = new Promise<void>((resolve) => {
    follow(id, (event) => {
      seen.push(event);
      if (event.kind === "task") resolve();
    });
  });
  await ended;
  assert.deepEqual(asked, [`/osp/v1/tasks/${id}/events`]);
  const straight: Watched[] = [];
  for await (const event of osp.watch(id)) straight.push(event);
  assert.deepEqual(seen, straight);
});
