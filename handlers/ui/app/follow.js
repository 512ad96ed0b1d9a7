// A task as it is now: read once, and then kept up to date by the events of its stream.
import { get, parse, Problem, taskPath } from './api.js'
import { apply, isFinished, latest, ofTask } from './record.js'
import { useEffect, useState } from './html.js'

const batch = 25 // ms in which further events are waited for before they are drawn
const looks = 10000 // ms after which it is looked again what holds the task: of pauses its events tell nothing
const waits = [500, 1000, 2000, 4000, 8000] // ms before the stream is asked for again

const kinds = [
  'created', 'step_started', 'decided', 'waiting', 'compensation_started', 'completed', 'failed', 'cancelled', 'stuck', 'step_done',
  'attempt_failed', 'child_started', 'signal', 'cancel', 'child_finished', 'resolved', 'undo_requested', 'recovered',
]

/**
 * @typedef {'connecting'|'live'|'away'|'ended'} Connection
 * @typedef {{record: import('./record.js').Record | null, version: number, connection: Connection, problem: Problem | null,
 *   pausedBy: any[], unserved: boolean}} Followed
 */

/** Follows one task, until stop. */
export class Follower {
  /** @param {string} id @param {(f: Followed) => void} tell */
  constructor(id, tell) {
    this.id = id
    this.tell = tell
    /** @type {import('./record.js').Record | null} */
    this.base = null // what a read says
    /** @type {import('./record.js').Record | null} */
    this.folded = null // what the events say
    /** @type {any[]} */
    this.pausedBy = [] // the pauses that hold it
    this.unserved = false // no worker serves its queue
    this.version = 0
    /** @type {Connection} */
    this.connection = 'connecting'
    /** @type {Problem | null} */
    this.problem = null
    this.failures = 0
    this.stopped = false
    this.reading = false
    this.missed = false // whether a read got no answer, so that events may have to do
    /** @type {EventSource | null} */
    this.source = null
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.drawing = undefined
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.looking = undefined
    this.seen = () => this.look()
    document.addEventListener('visibilitychange', this.seen)
    addEventListener('online', this.seen)
  }

  start() {
    this.read()
    this.listen()
  }

  stop() {
    this.stopped = true
    this.hush()
    document.removeEventListener('visibilitychange', this.seen)
    removeEventListener('online', this.seen)
  }

  /** Reads the task. */
  async read() {
    this.reading = true
    try {
      const task = await get(taskPath(this.id))
      this.reading = false
      if (this.stopped) return
      this.base = ofTask(task)
      this.holds(task)
      this.lookIn(looks)
      this.problem = null
      if (isFinished(task.state) && this.connection !== 'live' && this.folded) this.folded = caughtUp(this.folded, this.base) ? this.folded : null
    } catch (/** @type {any} */ problem) {
      this.reading = false
      if (this.stopped) return
      this.missed = true
      if (problem.status === 0) this.lost()
      else if (problem.status !== 401) {
        this.problem = problem
        if (problem.status < 500 && problem.status !== 429) this.hush() // to ask for its stream again would change nothing
      }
    }
    this.draw()
  }

  listen() {
    if (this.stopped || this.source) return
    const after = this.folded?.last ?? 0
    const source = new EventSource(`${taskPath(this.id)}/events${after ? `?after=${after}` : ''}`)
    this.source = source
    source.onopen = () => {
      this.failures = 0
      this.connection = 'live'
      if (!this.base && !this.reading) this.read()
      if (this.base && !this.looking) this.lookIn(0)
      this.soon()
    }
    source.onerror = () => this.broken()
    for (const kind of kinds) source.addEventListener(kind, e => this.event(e))
    source.addEventListener('task', e => this.end(e))
  }

  /** @param {MessageEvent | Event} message */
  event(message) {
    const e = parse(/** @type {MessageEvent} */ (message).data)
    if (!this.folded && e.seq !== 1) return // the journal's beginning is not there: what is read has to do
    this.folded = apply(this.folded, e)
    if (this.base && (e.kind === 'waiting' || this.pausedBy.length || this.unserved)) this.lookIn(batch * 10)
    this.soon()
  }

  /** The last message: the task as it has ended. @param {Event} message */
  end(message) {
    this.base = ofTask(parse(/** @type {MessageEvent} */ (message).data))
    this.holds({})
    this.hush()
    this.connection = 'ended'
    this.draw()
  }

  /** The stream broke. What the server refuses, or has to say, a read finds out. */
  broken() {
    if (this.connection === 'ended') return
    this.hush()
    this.lost()
    this.draw()
    this.read()
  }

  // A stream that is open is a connection: only the read is missing then.
  lost() {
    if (this.connection === 'ended') return
    if (!this.source) this.connection = 'away'
    if (this.timer || document.hidden) return
    const wait = waits[Math.min(this.failures++, waits.length - 1)] * (0.8 + 0.4 * Math.random())
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (this.source) this.read()
      else this.listen()
    }, wait)
  }

  hush() {
    this.source?.close()
    this.source = null
    clearTimeout(this.timer)
    clearTimeout(this.drawing)
    clearTimeout(this.looking)
    this.timer = this.drawing = this.looking = undefined
  }

  /** @param {any} task what holds it */
  holds(task) {
    this.pausedBy = task.paused_by ?? []
    this.unserved = Boolean(task.unserved)
  }

  /** Looks what holds the task in so many ms, and now and then after that. @param {number} wait */
  lookIn(wait) {
    clearTimeout(this.looking)
    this.looking = setTimeout(async () => {
      this.looking = undefined
      const task = document.hidden ? null : await get(taskPath(this.id)).catch(() => null) // else the stream finds out
      if (this.stopped || this.connection === 'ended') return
      if (task) this.holds(task)
      this.draw()
      if (!this.looking && !isFinished(task?.state)) this.lookIn(looks)
    }, wait)
  }

  // A browser has few connections for a server, so a page that nobody sees keeps none.
  look() {
    if (document.hidden) {
      if (this.connection !== 'ended') this.hush()
      return
    }
    if (this.connection === 'ended') {
      this.again()
      return
    }
    this.hush()
    this.listen()
  }

  /** A task that has ended may go on: its parent may ask for its undo. */
  async again() {
    await this.read()
    if (this.base && !isFinished(this.base.state)) {
      this.connection = 'connecting'
      this.listen()
    }
  }

  soon() {
    this.drawing ??= setTimeout(() => { this.drawing = undefined; this.draw() }, batch)
  }

  draw() {
    if (this.stopped) return
    // Events tell the story from its beginning: until they have got to where the read was, what was read is shown.
    const ready = this.folded && (this.base ? caughtUp(this.folded, this.base) : this.missed && this.folded.whole)
    this.tell({ record: ready ? this.folded : this.base, version: ++this.version, connection: this.connection, problem: this.problem, pausedBy: this.pausedBy, unserved: this.unserved })
  }
}

/** Whether the events have got to where a read was. @param {import('./record.js').Record} folded @param {import('./record.js').Record} base */
function caughtUp(folded, base) {
  return folded.steps.length >= base.steps.length && (isFinished(folded.state) || !isFinished(base.state)) &&
    Math.max(latest(folded), ...folded.marks.slice(-1).map(m => m.at)) >= latest(base)
}

/** @param {string} id @returns {Followed & {read: () => void}} */
export function useTask(id) {
  const [followed, set] = useState(/** @type {any} */ ({ record: null, version: 0, connection: 'connecting', problem: null, pausedBy: [], unserved: false, read() {} }))
  useEffect(() => {
    const follower = new Follower(id, f => set({ ...f, read: () => follower.read() }))
    follower.start()
    return () => follower.stop()
  }, [id])
  return followed
}
