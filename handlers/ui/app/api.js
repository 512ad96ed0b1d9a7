// The API under /v1, as the pages call it: with the cookie of their session.

/** What went wrong with a request: a problem by RFC 9457, or that there was no answer (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body.detail || body.title || 'Something went wrong.')
    this.status = status
    this.title = String(body.title || 'Something went wrong')
    this.type = String(body.type || '')
    this.requestID = String(body.request_id || '')
    /** @type {{pointer?: string, parameter?: string, header?: string, detail: string}[]} */
    this.errors = Array.isArray(body.errors) ? body.errors : []
    /** In how many seconds to try again, where the answer said so. @type {number} */
    this.retryAfter = 0
  }

  /** What is wrong with one member of the body, if anything is. @param {string} pointer */
  about(pointer) {
    return this.errors.find(e => e.pointer === pointer)?.detail
  }
}

/** Called when an answer says that nobody is signed in. */
let unauthenticated = () => {}

/** @param {() => void} call */
export function onUnauthenticated(call) {
  unauthenticated = call
}

const longNumber = /(?:\d\.?){17}/

// Numbers that JavaScript cannot hold keep the digits that they came with, for what is shown must be what there is. Each is a text that
// is written as a number. What rawJSON makes has no prototype: it cannot be a text, and Preact would take it for an element.
/** @param {string} text */
export function parse(text) {
  const raw = /** @type {any} */ (JSON).rawJSON
  if (!raw || !longNumber.test(text)) return JSON.parse(text)
  const exact = (/** @type {string} */ _, /** @type {any} */ value, /** @type {any} */ context) =>
    typeof value === 'number' && String(value) !== context.source ? Object.assign(new String(context.source), { toJSON: () => raw(context.source) }) : value
  return JSON.parse(text, /** @type {any} */ (exact))
}

/**
 * Sends a request, and returns the JSON of its answer.
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, text?: string, signal?: AbortSignal, headers?: Record<string, string>, anybody?: boolean}} [options] text is
 *   a body that is JSON already; with anybody, not to be signed in is an answer like others
 * @returns {Promise<any>}
 */
export async function call(method, path, options = {}) {
  const body = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  const headers = { Accept: 'application/json', ...options.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }
  let response
  let text
  try {
    response = await fetch(path, { method, headers, body, signal: options.signal, credentials: 'same-origin', cache: 'no-store' })
    text = await response.text()
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new Problem(0, { title: 'No answer', detail: 'The server does not answer. It may be restarting, or the network is down.' })
  }
  let value
  try {
    value = text === '' ? null : parse(text)
  } catch {
    value = undefined
  }
  if (response.ok && value !== undefined) return value
  const problem = new Problem(response.status, value ?? { title: `The server answered with ${response.status}`, detail: 'The answer is not one of osp.' })
  problem.retryAfter = Number(response.headers.get('Retry-After')) || 0
  if (response.status === 401 && !options.anybody) unauthenticated()
  throw problem
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => call('GET', path, { signal })

/** @param {string} path @param {unknown} [body] */
export const post = (path, body) => call('POST', path, { body })

/** A path with a query of what is not empty. @param {string} path @param {Record<string, string|number|undefined|null>} query */
export function withQuery(path, query) {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') q.set(name, String(value))
  const text = q.toString()
  return text ? `${path}?${text}` : path
}

/** The path of a task in the API. @param {string} id */
export const taskPath = id => `/v1/tasks/${encodeURIComponent(id)}`
