import { foreign, OspError, refusal } from "./error.js";
import { backoff, jitter, Link, sleep } from "./time.js";

/** How a call may be given up, and how often it may be tried again. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** How often it is tried again. Default: the client's. */
  retries?: number | undefined;
}

export interface Call {
  method: string;
  path: string;
  query?: object | undefined;
  headers?: Record<string, string | undefined>;
  body?: string | undefined;
  /** Whether sending it twice does no more than sending it once. */
  safe: boolean;
}

/** How calls reach osp. */
export interface Connection {
  url: string;
  token: () => string | undefined | Promise<string | undefined>;
  fetch: typeof globalThis.fetch;
  retries: number;
}

const answerWithin = 40_000; // osp itself gives up after 28 s
const firstPause = 250;
const longestPause = 10_000;
const tooLongToWait = 60_000; // a Retry-After beyond this is for the caller to decide about

/** Whether what failed may be tried again. */
export function mayRepeat(e: unknown, safe: boolean): boolean {
  if (!(e instanceof OspError)) return false;
  // These two are said before anything is done.
  if (e.status === 429 || e.type === "/problems/overloaded") return true;
  return safe && [0, 502, 503, 504].includes(e.status);
}

/** Sends a call and reads its answer, which is JSON; again where that is safe. */
export async function ask<T>(to: Connection, call: Call, options: CallOptions = {}): Promise<T> {
  const retries = options.retries ?? to.retries;
  for (let failures = 0; ; failures++) {
    const link = new Link(options.signal);
    link.limit(answerWithin, () => foreign(0, "No answer", `osp has not answered within ${answerWithin / 1000} seconds.`));
    try {
      const response = await open(to, call, link.signal);
      return await parse<T>(response, link.signal);
    } catch (e) {
      const pause = e instanceof OspError && e.retryAfter !== undefined ? jitter(e.retryAfter) : backoff(failures, firstPause, longestPause);
      if (failures >= retries || pause > tooLongToWait || !mayRepeat(e, call.safe)) throw e;
      await sleep(pause, options.signal);
    } finally {
      link.release();
    }
  }
}

/** Sends a call once. The answer is 2xx; its body has not been read. */
export async function open(to: Connection, call: Call, signal: AbortSignal): Promise<Response> {
  signal.throwIfAborted();
  const headers = new Headers({ Accept: "application/json" });
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    if (value !== undefined) headers.set(name, value);
  }
  const token = await to.token();
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const init: RequestInit = { method: call.method, headers, signal };
  if (call.body !== undefined) {
    init.body = call.body;
    if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  }
  const send = to.fetch; // a browser's fetch minds being called as a method
  const response = await reached(send(to.url + call.path + search(call.query), init), signal);
  if (!response.ok) throw await reached(refusal(response), signal);
  return response;
}

async function parse<T>(response: Response, signal: AbortSignal): Promise<T> {
  const text = await reached(response.text(), signal);
  try {
    return JSON.parse(text) as T;
  } catch (e) {
    throw foreign(response.status, "Not osp", "The answer is not JSON. Is the URL osp's?", e);
  }
}

/** Tells giving up from a connection that failed. */
async function reached<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await answer;
  } catch (e) {
    signal.throwIfAborted();
    throw foreign(0, "No answer", "osp could not be reached, or the connection broke.", e);
  }
}

export function search(query: object | undefined): string {
  const wanted = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return wanted.length === 0 ? "" : `?${new URLSearchParams(wanted.map(([name, value]) => [name, String(value)]))}`;
}
