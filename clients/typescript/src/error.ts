import type { Problem, ProblemType } from "./schema.js";
import type { Fault } from "./types.js";

/** What went wrong: a problem document of osp's (RFC 9457), or that there was none. */
export class OspError extends Error {
  override readonly name = "OspError";
  /** Stable; `about:blank` when the answer, if any, is not osp's. */
  readonly type: ProblemType | "about:blank" | (string & {});
  /** The answer's status; 0 when there was no answer. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Each fault of the request, with its place. */
  readonly errors: Fault[];
  /** Finds the cause in osp's log. */
  readonly requestId: string | undefined;
  /** In how many milliseconds it may be tried again, where osp says so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, more: { retryAfter?: number | undefined; cause?: unknown } = {}) {
    const faults = (problem.errors ?? []).map((f) => `${f.pointer ?? f.parameter ?? f.header ?? ""} ${f.detail}`.trim());
    super([`${problem.title}: ${problem.detail}`, ...faults].join("; "), "cause" in more ? { cause: more.cause } : undefined);
    this.type = problem.type;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.retryAfter = more.retryAfter;
  }
}

/** An error of which osp knows nothing: there was no answer, or somebody else's. */
export function foreign(status: number, title: string, detail: string, cause?: unknown): OspError {
  return new OspError({ type: "about:blank", status, title, detail }, { cause });
}

/** Makes an error of an answer that is not 2xx. */
export async function refusal(response: Response): Promise<OspError> {
  const text = await response.text();
  const retryAfter = milliseconds(response.headers.get("Retry-After"));
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.type === "string" && typeof problem.status === "number") {
      return new OspError(problem, { retryAfter });
    }
  } catch {
    // a proxy's page
  }
  const title = response.statusText || "Refused";
  return new OspError({ type: "about:blank", status: response.status, title, detail: "The answer is not osp's." }, { retryAfter });
}

/** Reads Retry-After, which is seconds or a date. */
function milliseconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const value = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(value) ? undefined : Math.max(0, value);
}
