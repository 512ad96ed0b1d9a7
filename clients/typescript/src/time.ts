/** A signal that is aborted with another one, or by its owner. AbortSignal.any would do, where it is old enough to be there. */
export class Link {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #follow = () => this.#controller.abort(this.#parent?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parent?: AbortSignal) {
    this.#parent = parent;
    if (parent?.aborted) this.#follow();
    parent?.addEventListener("abort", this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts with `reason` in `ms`, unless it is called again, or there is no such limit. */
  limit(ms: number | undefined, reason: () => unknown): void {
    clearTimeout(this.#timer);
    if (ms === undefined || ms > longest) return;
    this.#timer = setTimeout(() => this.#controller.abort(reason()), ms);
  }

  /** Lets go of the other signal, and of the limit. */
  release(): void {
    this.limit(undefined, () => undefined);
    this.#parent?.removeEventListener("abort", this.#follow);
  }

  abort(): void {
    this.release();
    this.#controller.abort();
  }
}

/** What setTimeout can count to: more is 1 ms to it. */
const longest = 2 ** 31 - 1;

/** Waits, unless the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** What a pause becomes, so that clients that failed together do not come back together: it never gets shorter. */
export function jitter(ms: number): number {
  return ms * (1 + Math.random() / 4);
}

/** The pause after the n-th failure in a row, from 0: it doubles. */
export function backoff(n: number, first: number, most: number): number {
  return jitter(Math.min(most, first * 2 ** n));
}

/** An error as AbortSignal.timeout makes it. */
export function timedOut(what: string): DOMException {
  return new DOMException(what, "TimeoutError");
}
