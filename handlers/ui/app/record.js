// A task's record, folded from the events of its stream as the engine folds its journal (saga/record.go), with each attempt beside
// its step. A test holds the two to each other.
//
// What is drawn compares steps by identity, so a step that changes is a new object.
import { millis } from './text.js'

/**
 * @typedef {{from: number, to: number, outcome: 'open'|'done'|'failed'|'interrupted', error?: string, final?: boolean, unknown?: boolean,
 *   timedOut?: boolean, due?: number}} Try one attempt; from or to is NaN where it is not known
 * @typedef {{state: ''|'started'|'retry'|'done'|'failed', failed: number, interrupted: number, error: string, endedAt: number,
 *   retryAt: number, deadline: number, tries: Try[]}} Attempts
 * @typedef {{path: string, kind: string, startedAt: number, do: Attempts, undo: Attempts, output?: any, human?: any, child?: string,
 *   childState?: string, childUndoSent?: boolean, notUndone?: boolean, assumed?: boolean, resolved: any[], shown?: any}} Step
 *   shown is what the API says of the step, where its events are not known
 * @typedef {{at: number, kind: string, by?: string, reason?: string, step?: string, action?: string, signal?: string, data?: any}} Mark
 * @typedef {{id: string, type: string, service: string, userID: string, by: string, queue: string, parent: string, retryOf: string,
 *   state: string, phase: string, input: any, output: any, error: string, notUndone: string[], createdAt: number, startedAt: number,
 *   completedAt: number, due: number, deadline: number, undoAt: number, steps: Step[], marks: Mark[], last: number, whole: boolean,
 *   index: Map<string, number>}} Record
 */

const finished = new Set(['completed', 'failed', 'cancelled'])

/** @param {string} state */
export const isFinished = state => finished.has(state)

/** @returns {Attempts} */
const none = () => ({ state: '', failed: 0, interrupted: 0, error: '', endedAt: NaN, retryAt: NaN, deadline: NaN, tries: [] })

/** @returns {Record} */
const empty = () => ({
  id: '', type: '', service: '', userID: '', by: '', queue: '', parent: '', retryOf: '', state: 'pending', phase: 'forward', input: undefined,
  output: undefined, error: '', notUndone: [], createdAt: NaN, startedAt: NaN, completedAt: NaN, due: NaN, deadline: NaN, undoAt: NaN,
  steps: [], marks: [], last: 0, whole: false, index: new Map(),
})

/** The record of what GET /v1/tasks/{id} answers: without the attempts. @param {any} task @returns {Record} */
export function ofTask(task) {
  const record = {
    ...empty(), id: task.id, type: task.type, service: task.service ?? '', userID: task.user_id, retryOf: task.retry_of ?? '',
    state: task.state, phase: task.phase, input: task.input, output: task.output, error: task.error ?? '', notUndone: task.not_undone ?? [],
    createdAt: millis(task.created_at), startedAt: millis(task.started_at), completedAt: millis(task.completed_at),
    due: millis(task.waiting_until),
  }
  record.steps = task.steps.map(ofStep)
  record.steps.forEach((step, i) => record.index.set(step.path, i))
  return record
}

/** @param {any} s @returns {Step} */
function ofStep(s) {
  const attempts = none()
  const undo = none()
  const from = millis(s.started_at)
  const to = millis(s.completed_at)
  attempts.error = s.error ?? ''
  attempts.deadline = millis(s.due_at)
  attempts.tries = [{ from, to, outcome: Number.isNaN(to) ? 'open' : s.error ? 'failed' : 'done', error: s.error }]
  undo.error = s.undo_error ?? ''
  if (s.undone_at || s.undo_error) {
    const end = millis(s.undone_at)
    undo.tries = [{ from: NaN, to: end, outcome: s.state === 'compensated' ? 'done' : 'failed', error: s.undo_error }]
  }
  ;(s.state === 'compensating' ? undo : attempts).retryAt = millis(s.next_attempt_at)
  return {
    path: s.path, kind: s.kind, startedAt: from, do: attempts, undo, output: s.output, human: s.human, child: s.child, resolved: [],
    notUndone: s.state === 'not_undone', shown: { state: s.state, attempts: s.attempts, undoAttempts: s.undo_attempts ?? 0 },
  }
}

/** The latest moment that a record tells of. @param {Record} r */
export function latest(r) {
  let at = Math.max(r.createdAt, r.startedAt || 0, r.completedAt || 0)
  for (const s of r.steps) for (const t of [...s.do.tries, ...s.undo.tries]) at = Math.max(at, t.from || 0, t.to || 0)
  return at
}

/** @param {Step} s @param {boolean} undo */
export function tryCount(s, undo) {
  if (s.shown) return undo ? s.shown.undoAttempts : s.shown.attempts
  const a = undo ? s.undo : s.do
  return a.failed + a.interrupted + (a.state === 'started' || a.state === 'done' ? 1 : 0)
}

/** Where a step stands. @param {Step} s @param {string} task its task's state */
export function stepState(s, task) {
  if (s.shown) return s.shown.state
  if (s.notUndone) return 'not_undone'
  if (s.undo.state === 'done') return 'compensated'
  if (s.undo.state === 'failed') return 'stuck'
  if (s.undo.state !== '') return 'compensating'
  if (s.do.state === 'done') return 'completed'
  if (s.do.state === 'failed' || isFinished(task)) return 'failed'
  return s.do.state === 'retry' || s.kind !== 'activity' ? 'waiting' : 'running'
}

// next says which events move a task; the others leave its state as it is. As saga/state.go has it.
const moving = new Set(['step_started', 'step_done', 'attempt_failed', 'decided', 'child_started'])
const naming = { waiting: 'waiting', completed: 'completed', failed: 'failed', cancelled: 'cancelled', stuck: 'stuck' }

/** @param {Record} r @param {any} e */
function next(r, e) {
  if (e.kind === 'compensation_started' || e.kind === 'undo_requested') return 'compensating'
  if (e.kind in naming) return naming[/** @type {keyof typeof naming} */ (e.kind)]
  if (e.kind === 'resolved') return r.state === 'stuck' ? 'compensating' : r.state
  if (moving.has(e.kind) && r.state !== 'stuck') return r.phase === 'undo' ? 'compensating' : 'running'
  return r.state
}

/** Folds one more event; one that was folded already is left out. @param {Record | null} record @param {any} e @returns {Record} */
export function apply(record, e) {
  const r = record ?? empty()
  if (e.seq <= r.last) return r
  const at = millis(e.at)
  r.last = e.seq
  if (e.kind === 'created') {
    created(r, e, at)
    return r
  }
  if (e.kind === 'resolved' && r.state === 'stuck') change(r, e.step, s => resolved(s, e, at))
  r.state = next(r, e)
  if (Number.isNaN(r.startedAt) && r.state !== 'pending') r.startedAt = at
  folds[e.kind]?.(r, e, at)
  return r
}

/** @param {Record} r @param {any} e @param {number} at */
function created(r, e, at) {
  const t = e.task ?? {}
  Object.assign(r, {
    id: t.id, type: t.type, service: t.service ?? '', userID: t.user_id, queue: t.queue ?? '', parent: t.parent ?? '', retryOf: t.retry_of ?? '',
    input: t.input ?? null, deadline: millis(t.deadline), due: millis(t.process_at), by: e.by ?? '', createdAt: at, whole: true,
  })
}

/** @param {Record} r @param {string} path @param {(s: Step) => void} how */
function change(r, path, how) {
  const i = r.index.get(path)
  if (i === undefined) return
  const s = { ...r.steps[i], do: { ...r.steps[i].do }, undo: { ...r.steps[i].undo } }
  how(s)
  r.steps[i] = s
}

/** @param {Attempts} a @param {Partial<Try>} end */
function close(a, end) {
  const t = a.tries.at(-1)
  if (t?.outcome === 'open') a.tries = [...a.tries.slice(0, -1), { ...t, ...end }]
}

/** @param {Step} s @param {any} e @param {number} at */
function resolved(s, e, at) {
  s.resolved = [...s.resolved, { at, by: e.by, action: e.action, reason: e.reason }]
  if (e.action === 'skip') s.notUndone = true
  else if (e.action === 'retry') s.undo = { ...none(), tries: s.undo.tries }
  else if (e.action === 'done') s.undo = { ...none(), state: 'done', endedAt: at, failed: s.undo.failed - 1, tries: s.undo.tries }
}

/** @type {{[kind: string]: (r: Record, e: any, at: number) => void}} */
const folds = {
  step_started(r, e, at) {
    if (!r.index.has(e.step)) {
      r.index.set(e.step, r.steps.length)
      r.steps.push({
        path: e.step, kind: e.step_kind, startedAt: at, do: none(), undo: none(), child: e.child, assumed: e.assumed, resolved: [],
        human: e.step_kind === 'signal' ? e.data : undefined,
      })
    }
    change(r, e.step, s => {
      const a = e.undo ? s.undo : s.do
      if (a.state === 'started') {
        a.interrupted++
        close(a, { to: at, outcome: 'interrupted' })
      }
      Object.assign(a, { state: 'started', deadline: millis(e.due), retryAt: NaN })
      a.tries = [...a.tries, { from: at, to: NaN, outcome: 'open', due: millis(e.due) }]
    })
  },
  step_done(r, e, at) {
    change(r, e.step, s => {
      const a = e.undo ? s.undo : s.do
      if (a.state === 'done') return
      Object.assign(a, { state: 'done', endedAt: at, error: '' })
      close(a, { to: at, outcome: 'done' })
      if (!e.undo) s.output = e.data
    })
  },
  attempt_failed(r, e, at) {
    change(r, e.step, s => {
      const a = e.undo ? s.undo : s.do
      if (a.state !== 'started' && a.state !== '') return
      Object.assign(a, { state: e.final ? 'failed' : 'retry', error: e.error ?? '', endedAt: at, retryAt: millis(e.due) })
      if (!e.interrupted) a.failed++
      close(a, {
        to: at, outcome: e.interrupted ? 'interrupted' : 'failed', error: e.error, final: e.final, unknown: e.outcome_unknown, timedOut: e.timed_out,
      })
    })
  },
  child_started(r, e) {
    change(r, e.step, s => { s.childUndoSent ||= e.undo })
  },
  child_finished(r, e, at) {
    change(r, e.step, s => {
      s.childState = e.child_state
      if (e.child_state === 'completed') {
        Object.assign(s.do, { state: 'done', endedAt: at })
        close(s.do, { to: at, outcome: 'done' })
        s.output = e.data
        return
      }
      if (!s.childUndoSent) {
        const error = `child task ${s.child}: ${e.child_state} ${e.error ?? ''}`
        Object.assign(s.do, { state: 'failed', endedAt: at, error })
        close(s.do, { to: at, outcome: 'failed', error })
      }
      Object.assign(s.undo, { state: 'done', endedAt: at })
      close(s.undo, { to: at, outcome: 'done' })
    })
  },
  waiting(r, e) { r.due = millis(e.due) },
  compensation_started(r, e, at) { turn(r, e, at) },
  undo_requested(r, e, at) {
    turn(r, e, at)
    Object.assign(r, { completedAt: NaN, output: undefined })
  },
  completed(r, e, at) { Object.assign(r, { output: e.data, completedAt: at }) },
  failed(r, e, at) { Object.assign(r, { notUndone: e.not_undone ?? [], completedAt: at }) },
  cancelled(r, e, at) { Object.assign(r, { notUndone: e.not_undone ?? [], completedAt: at }) },
  cancel: mark, signal: mark, resolved: mark, recovered: mark, decided: mark, stuck: mark,
}

/** @param {Record} r @param {any} e @param {number} at */
function turn(r, e, at) {
  Object.assign(r, { phase: 'undo', error: e.reason ?? '', undoAt: at })
  mark(r, e, at)
}

/** @param {Record} r @param {any} e @param {number} at */
function mark(r, e, at) {
  r.marks.push({ at, kind: e.kind, by: e.by, reason: e.reason, step: e.step, action: e.action, signal: e.signal, data: e.data })
}
