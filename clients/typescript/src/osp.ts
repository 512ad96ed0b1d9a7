import { OspError } from "./error.js";
import { ask, search, type Call, type CallOptions, type Connection } from "./transport.js";
import { jitter, Link, sleep, timedOut } from "./time.js";
import { hasEnded } from "./types.js";
import type {
  Answer, Answered, BatchAnswer, Bulk, BulkAnswer, Checked, CountTasksQuery, Deployment, HumanTasks, ListHumanTasksQuery, ListTasksQuery,
  Page, Resolve, Signalled, Start, Task, TaskCounts, Version, Watched,
} from "./types.js";
import { watch, type WatchOptions } from "./watch.js";

/** Where osp is, and who calls. Give `key` or `token`; neither where osp is open, like `osp dev`. */
export interface OspOptions {
  /** Where osp is, with a path if it is behind one. */
  url: string | URL;
  /** An API key. It belongs on a server, never in a browser. */
  key?: string | undefined;
  /** The access token of a signed-in user; asked for before each call, so that it is never an old one. */
  token?: (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Default: the global one. In SvelteKit, that of the event. */
  fetch?: typeof globalThis.fetch | undefined;
  /** How often a call is tried again where that is safe. Default: 4. */
  retries?: number | undefined;
}

/** How long to hold the answer back. */
export interface HoldOptions extends CallOptions {
  /** Milliseconds to wait for the task's end, 25,000 at most, before it is answered as it is. Default: 0. */
  wait?: number | undefined;
}

export interface StartOptions extends HoldOptions {
  /** The same key is the same task. Default: one is made, so that trying again never starts two. */
  idempotencyKey?: string | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Milliseconds. After them a `TimeoutError` is thrown; the task goes on. Default: none. */
  timeout?: number | undefined;
}

export interface WorkflowOptions extends CallOptions {
  /** Whose the workflow is. Default: the platform's. */
  service?: string | undefined;
}

const longestHold = 25_000;

/** A client of osp. Every duration is in milliseconds. */
export class Osp {
  readonly #to: Connection;

  constructor(options: OspOptions) {
    if (options.key !== undefined && options.token !== undefined) throw new TypeError("give key or token, not both");
    this.#to = {
      url: String(options.url).replace(/\/+$/, ""),
      token: options.token ?? (() => options.key),
      fetch: options.fetch ?? globalThis.fetch,
      retries: options.retries ?? 4,
    };
  }

  /** Starts a task. What is returned has been accepted: it will finish or be undone. */
  start<Output = unknown>(request: Start, options: StartOptions = {}): Promise<Task<Output>> {
    const key = options.idempotencyKey ?? (request.id ? undefined : unique());
    return this.#post(`/v1/tasks`, request, true, options, { "Idempotency-Key": key, Prefer: prefer(options.wait) });
  }

  /** Starts a task and waits for its end. Give it an `id` if you want to find it after a timeout. */
  async run<Output = unknown>(request: Start, options: Omit<StartOptions, "wait"> & WaitOptions = {}): Promise<Task<Output>> {
    return this.#within(options, `a task of type ${request.type}`, async (signal) => {
      const wait = Math.min(options.timeout ?? longestHold, longestHold);
      const task = await this.start<Output>(request, { ...options, wait, signal });
      return hasEnded(task) ? task : this.wait<Output>(task.id, { ...options, timeout: undefined, signal });
    });
  }

  /**
   * Starts up to 1000 tasks, each on its own: look at `items` for what became of which. Requests without an id get one, or,
   * with an `idempotencyKey`, the one that follows from it.
   */
  startBatch(requests: Start[], options: CallOptions & { idempotencyKey?: string | undefined } = {}): Promise<BatchAnswer> {
    const key = options.idempotencyKey;
    const tasks = key === undefined ? requests.map((r) => ({ ...r, id: r.id ?? unique() })) : requests;
    return this.#post(`/v1/tasks/batch`, { tasks }, true, options, { "Idempotency-Key": key });
  }

  get<Output = unknown>(id: string, options: HoldOptions = {}): Promise<Task<Output>> {
    return this.#get(`/v1/tasks/${segment(id)}`, undefined, options, { Prefer: prefer(options.wait) });
  }

  /** One page of tasks, the newest first. */
  list(query: ListTasksQuery = {}, options: CallOptions = {}): Promise<Page> {
    return this.#get(`/v1/tasks`, query, options);
  }

  /** How many tasks there are of each status and state. */
  counts(query: CountTasksQuery = {}, options: CallOptions = {}): Promise<TaskCounts> {
    return this.#get(`/v1/tasks/counts`, query, options);
  }

  /** Waits for a task's end, however it ends. One that is stuck has not ended. */
  async wait<Output = unknown>(id: string, options: WaitOptions = {}): Promise<Task<Output>> {
    return this.#within(options, `task ${id}`, async (signal) => {
      for (;;) {
        const asked = Date.now();
        const task = await this.get<Output>(id, { retries: options.retries, wait: longestHold, signal });
        if (hasEnded(task)) return task;
        // An answer that comes early is that of a process that is about to stop.
        if (Date.now() - asked < 1000) await sleep(jitter(1000), signal);
      }
    });
  }

  /**
   * Tells the events of a task as they come, each once, and at last the task (`kind` is `task`). A connection that breaks is
   * taken up again where it broke. `retries`: how often in a row in vain; by default at least 10.
   */
  watch<Output = unknown>(id: string, options: WatchOptions = {}): AsyncGenerator<Watched<Output>, void, undefined> {
    return watch(this.#to, `/v1/tasks/${segment(id)}/events`, options);
  }

  /** Cancels a task: what it began is undone. One that has been cancelled is returned as it is. */
  async cancel<Output = unknown>(id: string, options: HoldOptions & { reason?: string | undefined } = {}): Promise<Task<Output>> {
    const { reason } = options;
    try {
      return await this.#post(`/v1/tasks/${segment(id)}/cancel`, { reason }, true, options, { Prefer: prefer(options.wait) });
    } catch (e) {
      // It may be this very cancel, whose first answer was lost, that has ended it.
      const task = e instanceof OspError && e.type === "/problems/finished" ? await this.get<Output>(id, options) : undefined;
      if (task?.status === "cancelled") return task;
      throw e;
    }
  }

  /** Sends a signal, once however often it is tried. `/problems/finished` after a lost answer may mean that it was the last. */
  signal(
    id: string, name: string, payload?: unknown, options: CallOptions & { idempotencyKey?: string | undefined } = {},
  ): Promise<Signalled> {
    const key = options.idempotencyKey ?? unique();
    return this.#post(`/v1/tasks/${segment(id)}/signals/${segment(name)}`, payload, true, options, { "Idempotency-Key": key });
  }

  /** Answers a step that waits for a person, by its path. The first answer stands. */
  answer(id: string, step: string, answer: Answer, options: CallOptions = {}): Promise<Answered> {
    return this.#post(`/v1/tasks/${segment(id)}/human/${encodeURIComponent(step)}`, answer, true, options);
  }

  /** One page of the steps that wait for an answer that the caller may give. */
  humanTasks(query: ListHumanTasksQuery = {}, options: CallOptions = {}): Promise<HumanTasks> {
    return this.#get(`/v1/human-tasks`, query, options);
  }

  /** Starts a new task like one that has ended. */
  retry<Output = unknown>(id: string, options: HoldOptions = {}): Promise<Task<Output>> {
    return this.#post(`/v1/tasks/${segment(id)}/retry`, undefined, false, options, { Prefer: prefer(options.wait) });
  }

  /** Decides about a step whose undo failed for good. For operators. */
  resolve<Output = unknown>(id: string, resolution: Resolve, options: HoldOptions = {}): Promise<Task<Output>> {
    return this.#post(`/v1/tasks/${segment(id)}/resolve`, resolution, false, options, { Prefer: prefer(options.wait) });
  }

  /** Cancels the tasks that a filter names, up to 1000 a call: go on with `next` as `cursor` until that is null. */
  bulkCancel(request: Bulk, options: CallOptions = {}): Promise<BulkAnswer> {
    return this.#post(`/v1/tasks/bulk/cancel`, request, true, options);
  }

  /** Runs the tasks again that a filter names, as {@link bulkCancel} cancels them. The same key again starts none twice. */
  bulkRetry(request: Bulk, options: CallOptions & { idempotencyKey?: string | undefined } = {}): Promise<BulkAnswer> {
    const key = options.idempotencyKey ?? unique();
    return this.#post(`/v1/tasks/bulk/retry`, request, true, options, { "Idempotency-Key": key });
  }

  /** Looks at a definition, in YAML or as an object, and keeps nothing of it. For operators. */
  check(definition: string | object, options: WorkflowOptions = {}): Promise<Checked> {
    return ask(this.#to, { ...deployment(definition), query: { validate: "only", service: options.service } }, options);
  }

  /** Deploys a definition, in YAML or as an object. Its version is a draft until it is activated. For operators. */
  deploy(definition: string | object, options: WorkflowOptions & { reason?: string | undefined } = {}): Promise<Deployment> {
    const { reason, service } = options;
    return ask(this.#to, { ...deployment(definition), query: { reason, service } }, options);
  }

  /** Makes a version what new tasks of the workflow begin with. For operators. */
  activate(workflow: string, version: number, reason: string, options: WorkflowOptions = {}): Promise<Version> {
    const path = `/v1/workflows/${segment(workflow)}/state${search({ service: options.service })}`;
    return this.#post(path, { version, state: "active", reason }, false, options);
  }

  /** Calls what has no method here. GETs are tried again. */
  request<T>(method: string, path: string, options: CallOptions & { query?: object; body?: unknown } = {}): Promise<T> {
    const safe = method === "GET";
    return ask(this.#to, { method, path, query: options.query, body: JSON.stringify(options.body), safe }, options);
  }

  #get<T>(path: string, query: object | undefined, options: CallOptions, headers: Call["headers"] = {}): Promise<T> {
    return ask(this.#to, { method: "GET", path, query, headers, safe: true }, options);
  }

  #post<T>(path: string, body: unknown, safe: boolean, options: CallOptions, headers: Call["headers"] = {}): Promise<T> {
    return ask(this.#to, { method: "POST", path, headers, body: JSON.stringify(body), safe }, options);
  }

  async #within<T>(options: WaitOptions, what: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const link = new Link(options.signal);
    link.limit(options.timeout, () => timedOut(`${what} has not ended within ${options.timeout} ms`));
    try {
      return await act(link.signal);
    } finally {
      link.release();
    }
  }
}

/** Sending a definition again is safe: the same content is the same version. */
function deployment(definition: string | object): Call {
  const yaml = typeof definition === "string";
  return {
    method: "POST",
    path: "/v1/workflows",
    headers: { "Content-Type": yaml ? "application/yaml" : "application/json" },
    body: yaml ? definition : JSON.stringify(definition),
    safe: true,
  };
}

function prefer(wait: number | undefined): string | undefined {
  return wait ? `wait=${Math.ceil(Math.min(wait, longestHold) / 1000)}` : undefined;
}

/** An id as a part of a path. Those that a URL cannot name are refused: another path would be asked. */
function segment(id: string): string {
  if (!/^[A-Za-z0-9._:-]{1,128}$/.test(id) || id === "." || id === "..") throw new TypeError(`${JSON.stringify(id)} is not an id`);
  return id;
}

/** A key that nobody else makes. randomUUID is not there in pages without TLS. */
function unique(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
