// Runs sagas of three steps that do nothing with BullMQ, for `make bench-others`, and tells in one line of JSON what came of it.
//
//   node bullmq.js PORT forward|undone|flow|lone TASKS IN_FLIGHT
//
// forward is one job that keeps its steps by hand: after each it writes into its data how far it is, as it must to go on there after
// a crash. undone fails at the third, writes that, and undoes all three in the same way. flow is a flow of three jobs. lone is
// forward, one after the other.
import { FlowProducer, Queue, UnrecoverableError, Worker } from "bullmq";
import { Redis } from "ioredis";

const [port, mode, tasks, inFlight] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
const connect = () => new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
const connections = [connect(), connect(), connect()];
const queue = new Queue("bench", { connection: connections[0] });
const flows = new FlowProducer({ connection: connections[1] });
const forget = { removeOnComplete: true, removeOnFail: true };
const text = "x".repeat(189);

const trail = { forward: ["a", "b", "c"], lone: ["a", "b", "c"], undone: ["a", "b", "c failed", "undo c", "undo b", "undo a"], flow: [] }[mode];

const worker = new Worker("bench", async (job) => {
  for (let step = job.data.step; step < trail.length; step++) {
    await job.updateData({ ...job.data, step: step + 1, last: trail[step] });
  }
  if (mode === "undone") throw new UnrecoverableError("undone");
}, { connection: connections[2], concurrency: inFlight });

let ended; // is told of each saga that ends
worker.on("completed", (job) => { if (mode !== "flow" || job.name === "c") ended(); });
worker.on("failed", (job, error) => {
  if (mode !== "undone") throw error;
  ended();
});

const start = () => {
  const data = { step: 0, text };
  if (mode !== "flow") return queue.add("saga", data, forget);
  const link = (name, children) => ({ name, queueName: "bench", data, opts: forget, children });
  return flows.add(link("c", [link("b", [link("a")])]));
};

// closedLoop keeps so many in flight until all have ended.
const closedLoop = () => new Promise((resolve, reject) => {
  let begun = 0, over = 0;
  const next = () => { if (begun < tasks) { begun++; start().catch(reject); } };
  ended = () => { over++; next(); if (over === tasks) resolve(); };
  for (let i = 0; i < inFlight; i++) next();
});

const oneByOne = async () => {
  const times = [];
  for (let i = 0; i < tasks; i++) {
    await new Promise((resolve) => setTimeout(resolve, 15)); // the system falls idle
    const begun = process.hrtime.bigint();
    const over = new Promise((resolve) => { ended = resolve; });
    await start();
    await over;
    times.push(Number(process.hrtime.bigint() - begun) / 1e6);
  }
  return times;
};

await worker.waitUntilReady();
const cpu = process.cpuUsage(), begun = process.hrtime.bigint();
const times = mode === "lone" ? await oneByOne() : await closedLoop();
const seconds = Number(process.hrtime.bigint() - begun) / 1e9, used = process.cpuUsage(cpu);
console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6, times }));
await worker.close();
await queue.close();
await flows.close();
for (const c of connections) c.disconnect();
