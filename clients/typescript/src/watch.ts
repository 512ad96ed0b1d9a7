import { foreign, OspError } from "./error.js";
import { frames } from "./sse.js";
import { backoff, Link, sleep } from "./time.js";
import { type Call, type CallOptions, type Connection, mayRepeat, open } from "./transport.js";
import type { Task, TaskEvent, Watched } from "./types.js";

/** From where a task is watched, and how long in vain. */
export interface WatchOptions extends CallOptions {
  /** The `seq` of the last event that is known. Default: 0, all of them are told. */
  after?: number | undefined;
}

const silence = 45_000; // osp says something every 15 s
const longestPause = 30_000;
const inVain = 10;

/** Follows a task to its end, over as many connections as it takes. */
export async function* watch<Output>(to: Connection, path: string, options: WatchOptions): AsyncGenerator<Watched<Output>, void, undefined> {
  const retries = options.retries ?? Math.max(to.retries, inVain);
  let after = options.after ?? 0;
  let pause = 2000; // until osp says how long
  for (let failures = 0; ; failures++) {
    const link = new Link(options.signal);
    let why: unknown;
    try {
      const response = await connect(to, path, after, link);
      if (response.status === 204) return; // all of it is known
      for await (const frame of frames(chunks(response, link))) {
        if (frame.retry !== undefined) pause = frame.retry;
        else failures = 0;
        if (frame.data === undefined) continue;
        if (frame.event === "task") {
          yield { kind: "task", task: JSON.parse(frame.data) as Task<Output> };
          return;
        }
        const event = JSON.parse(frame.data) as TaskEvent;
        if (event.seq <= after) continue;
        after = event.seq;
        yield event;
      }
      why = foreign(0, "The stream broke off", "It ended before the task did, and again whenever it was taken up.");
    } catch (e) {
      if (!mayRepeat(e, true)) throw e;
      why = e;
    } finally {
      link.abort(); // whoever stops reading lets go of the connection
    }
    if (failures >= retries) throw why;
    const atLeast = why instanceof OspError ? (why.retryAfter ?? 0) : 0;
    await sleep(Math.max(atLeast, backoff(failures, pause, Math.max(pause, longestPause))), options.signal);
  }
}

async function connect(to: Connection, path: string, after: number, link: Link): Promise<Response> {
  quiet(link);
  const call: Call = {
    method: "GET",
    path,
    safe: true,
    headers: { Accept: "text/event-stream", "Last-Event-ID": after > 0 ? String(after) : undefined },
  };
  return open(to, call, link.signal);
}

/** Reads a body. Time that the reader takes for itself is not silence. */
async function* chunks(response: Response, link: Link): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) throw foreign(response.status, "No stream", "The answer has no body that can be read as it comes.");
  for (;;) {
    quiet(link);
    const { done, value } = await reader.read().catch((e: unknown) => {
      link.signal.throwIfAborted();
      throw foreign(0, "The stream broke off", "The connection broke.", e);
    });
    link.limit(undefined, () => undefined);
    if (done) return;
    yield value;
  }
}

function quiet(link: Link): void {
  link.limit(silence, () => foreign(0, "Silence", `Nothing has come for ${silence / 1000} seconds.`));
}
