// The timeline: what was done, and below it what was undone, on one axis of time.
import { html, useMemo, useState } from './html.js'
import { isFinished } from './record.js'
import { Time, useNow } from './parts.js'
import { Rows } from './window.js'
import { StepRow } from './step.js'
import { count, duration } from './text.js'

/** Where on the axis a moment is, from 0 to 1. @typedef {{from: number, to: number, now: number, at: (t: number) => number}} Axis */

/** @param {import('./record.js').Record} r @param {number} now @returns {Axis} */
function axisOf(r, now) {
  const from = r.startedAt || r.createdAt
  let to = isFinished(r.state) && r.completedAt ? r.completedAt : now
  if (!(to > from)) to = from + 1
  return { from, to, now, at: t => Math.min(1, Math.max(0, (t - from) / (to - from))) }
}

/** @param {{record: import('./record.js').Record, version: number, act: (what: any) => void, resolves: boolean}} props */
export function Lanes({ record, version, act, resolves }) {
  const [wanted, want] = useState('')
  const [open, setOpen] = useState(/** @type {Set<string>} */ (new Set()))
  const still = isFinished(record.state) || record.state === 'stuck'
  const ticking = useNow(record.steps.length > 1000 ? 3000 : 1000, !still)
  const now = Math.max(ticking, Date.now() - 1000)
  const axis = axisOf(record, record.state === 'stuck' ? lastAt(record) : now)
  const find = wanted.trim().toLowerCase()
  const { forward, undone } = useMemo(() => {
    const kept = record.steps.filter(s => !find || s.path.toLowerCase().includes(find))
    // In the order in which their undos began, which is the reverse of that of their starts.
    const undone = kept.filter(s => s.undo.tries.length || s.undo.state || s.resolved.length || ['compensating', 'compensated', 'stuck'].includes(s.shown?.state))
    return { forward: kept, undone: undone.reverse() }
  }, [version, find])
  const toggle = (/** @type {string} */ key) => setOpen(before => {
    const after = new Set(before)
    if (!after.delete(key)) after.add(key)
    return after
  })
  const lane = (/** @type {any[]} */ steps, /** @type {boolean} */ undo) => html`<div class="lane" role="list" aria-label=${undo ? 'Undone steps' : 'Steps'}>
    <${Rows} count=${steps.length} height=${41} row=${(/** @type {number} */ i) => {
    const s = steps[i]
    const key = (undo ? 'undo ' : 'do ') + s.path
    return html`<${StepRow} key=${key} step=${s} undo=${undo} task=${record} axis=${axis} place=${i + 1} count=${steps.length} open=${open.has(key)}
      toggle=${toggle} act=${act} resolves=${resolves} state=${record.state} />`
  }} /></div>`
  return html`<section class="timeline" aria-labelledby="timeline">
    <div class="head"><h2 id="timeline">Timeline</h2>
      <span class="muted small">${count(record.steps.length, 'step')} in ${duration(axis.to - axis.from)}</span>
      ${record.steps.length > 12 && html`<label class="find"><span class="sr">Find a step</span>
        <input type="search" name="find" placeholder="Find a step" value=${wanted} onInput=${(/** @type {any} */ e) => want(e.target.value)} /></label>`}</div>
    ${record.steps.length === 0 ? html`<p class="muted">${record.state === 'pending' ? 'No step has begun yet.' : 'No step was begun.'}</p>` : html`
    <div class="axis" aria-hidden="true"><span></span><span class="ruler"><b><${Time} at=${axis.from} /></b><b>+ ${duration(axis.to - axis.from)}${still ? '' : ', now'}</b></span><span></span></div>
    <h3 class="lane-name">Forward</h3>
    ${forward.length ? lane(forward, false) : html`<p class="muted">No step’s name has “${wanted}” in it.</p>`}`}
    ${(undone.length > 0 || record.phase === 'undo') && html`
    <h3 class="lane-name undo">Compensation${record.undoAt ? html` <span class="muted small">since <${Time} at=${record.undoAt} /></span>` : ''}</h3>
    ${undone.length ? lane(undone, true) : html`<p class="muted">${isFinished(record.state) ? 'Nothing had to be undone.' : 'Nothing is undone yet.'}</p>`}`}
  </section>`
}

/** @param {import('./record.js').Record} r */
function lastAt(r) {
  return Math.max(r.createdAt, ...r.marks.slice(-3).map(m => m.at), ...r.steps.flatMap(s => [s.undo.endedAt || 0, s.do.endedAt || 0]))
}
