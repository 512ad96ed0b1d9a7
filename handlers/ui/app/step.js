// One step of the timeline: a line with its bar, and what is folded below it.
import { html, Component } from './html.js'
import { isFinished, stepState, tryCount } from './record.js'
import { State, stateWord, Time } from './parts.js'
import { Value } from './value.js'
import { duration, word } from './text.js'

/**
 * @typedef {{step: import('./record.js').Step, undo: boolean, task: import('./record.js').Record, state: string, axis: any, place: number,
 *   count: number, open: boolean, toggle: (key: string) => void, act: (what: any) => void, resolves: boolean}} Props
 *   act is null for who may do nothing; resolves tells whether they may resolve
 */

/** Is drawn again when it has changed, or when the axis has. @extends {Component<Props>} */
export class StepRow extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const now = this.props
    return now.step !== next.step || now.open !== next.open || now.axis.to !== next.axis.to || now.axis.from !== next.axis.from ||
      now.state !== next.state || now.place !== next.place || now.resolves !== next.resolves || Boolean(now.act) !== Boolean(next.act) || now.count !== next.count
  }

  render() {
    const { step, undo, task, axis, place, count, open, toggle, act, resolves } = this.props
    const state = laneState(step, task.state, undo)
    const tries = (undo ? step.undo : step.do).tries
    const made = tryCount(step, undo)
    const [loops, name] = splitPath(step.path)
    const key = (undo ? 'undo ' : 'do ') + step.path
    return html`<div class=${`step${open ? ' open' : ''}`} role="listitem" aria-setsize=${count} aria-posinset=${place} data-step=${step.path} data-state=${state}>
      <button type="button" class="line" aria-expanded=${open} onClick=${() => toggle(key)}>
        <span class="name"><${State} state=${state} word=${words[state] ?? stateWord(state)} />
          <span class="path">${loops && html`<span class="muted">${loops}</span>`}<strong>${name}</strong></span>
          ${step.kind !== 'activity' && html`<span class="kind">${kinds[step.kind] ?? step.kind}</span>`}
          ${made > 1 && html`<span class="tries" title=${`${made} attempts`}>×${made}<span class="sr"> attempts</span></span>`}</span>
        <${Bars} tries=${tries} axis=${axis} state=${state} undo=${undo} />
        <span class="took">${took(tries, axis.now, isFinished(task.state))}</span>
      </button>
      ${note(step, undo, state)}
      ${open && html`<${Details} step=${step} undo=${undo} task=${task} act=${act} />`}
      ${undo && state === 'stuck' && resolves && html`<p class="note"><button type="button" class="primary small" onClick=${() => act({ resolve: step.path })}>Resolve …</button></p>`}
    </div>`
  }
}

/** @type {Record<string, string>} */
const kinds = { timer: 'timer', signal: 'signal', child: 'child task' }
/** @type {Record<string, string>} */
const words = { compensating: 'Undoing', completed: 'Done', cancelled: 'Stopped' }

/** The state of a step's half: of its do, or of its undo. @param {any} step @param {string} task @param {boolean} undo */
function laneState(step, task, undo) {
  const state = stepState(step, task)
  if (undo) return state
  if (state === 'failed' && step.do.state === 'started') return 'cancelled' // its task has ended, and nobody waits for it
  if (!['compensating', 'compensated', 'stuck', 'not_undone'].includes(state)) return state
  if (step.do.state === 'done' || (step.shown && !step.do.error)) return 'completed'
  return step.do.state === 'failed' || step.do.error ? 'failed' : 'cancelled'
}

/** The iterations that a path is in, and the name of the step. @param {string} path @returns {[string, string]} */
function splitPath(path) {
  const at = path.lastIndexOf('/') + 1
  return [path.slice(0, at), path.slice(at)]
}

/** @param {any[]} tries @param {number} now @param {boolean} over */
function took(tries, now, over) {
  const first = tries[0]
  const last = tries.at(-1)
  if (!first || Number.isNaN(first.from)) return ''
  const to = Number.isNaN(last.to) ? (over ? NaN : now) : last.to
  return Number.isNaN(to) ? '' : duration(Math.max(0, to - first.from))
}

/** How the bar of an attempt that is not over is drawn, by the state of its step. @type {Record<string, string>} */
const openBars = { waiting: 'idle', cancelled: 'interrupted' }

/** A bar for each attempt, and a thin one for the waits between. @param {{tries: any[], axis: any, state: string, undo: boolean}} props */
function Bars({ tries, axis, state, undo }) {
  const bars = []
  for (let i = Math.max(0, tries.length - 60); i < tries.length; i++) {
    const t = tries[i]
    const from = Number.isNaN(t.from) ? t.to : t.from
    const to = Number.isNaN(t.to) ? axis.to : t.to
    if (Number.isNaN(from)) continue
    const before = tries[i - 1]
    if (before && before.to < from) bars.push(bar('gap', before.to, from, axis))
    const kind = t.outcome === 'open' ? openBars[state] ?? 'open' : t.outcome
    bars.push(bar(`${kind}${undo ? ' undo' : ''}`, from, to, axis))
  }
  const last = tries.at(-1)
  if (last && last.outcome === 'failed' && !last.final && (state === 'waiting' || state === 'compensating')) bars.push(bar('gap', last.to, axis.to, axis))
  return html`<span class="bars" aria-hidden="true">${bars}</span>`
}

/** @param {string} kind @param {number} from @param {number} to @param {any} axis */
function bar(kind, from, to, axis) {
  const left = axis.at(from)
  return html`<i class=${kind} style=${{ left: `${(left * 100).toFixed(3)}%`, width: `${((axis.at(to) - left) * 100).toFixed(3)}%` }}></i>`
}

/** What has to be seen without opening: what it waits for, and what went wrong. @param {any} s @param {boolean} undo @param {string} state */
function note(s, undo, state) {
  const a = undo ? s.undo : s.do
  const parts = []
  if (a.error) parts.push(html`<span class="error-text">${String(a.error)}</span>`)
  if (!Number.isNaN(a.retryAt) && (a.state === 'retry' || s.shown)) parts.push(html`<span>Next attempt <${Time} at=${a.retryAt} />.</span>`)
  else if (!undo && state === 'waiting') parts.push(waiting(s))
  if (!undo && s.assumed) parts.push(html`<span class="muted">Nobody knows whether it began: the journal was lost.</span>`)
  for (const r of undo ? s.resolved : []) parts.push(html`<span>${verdicts[r.action] ?? r.action} by ${String(r.by)}, <${Time} at=${r.at} />: ${String(r.reason)}</span>`)
  return parts.length > 0 && html`<p class="note">${parts.map((part, i) => html`${i > 0 && ' '}${part}`)}</p>`
}

/** @type {Record<string, string>} */
const verdicts = { retry: 'Tried again', skip: 'Left as it is', done: 'Undone by hand' }

/** @param {any} s */
function waiting(s) {
  const until = Number.isNaN(s.do.deadline) ? '' : html`, until <${Time} at=${s.do.deadline} />`
  if (s.human) return html`<span>Waits for a person${roles(s.human)}${until}.</span>`
  if (s.kind === 'timer') return html`<span>Waits${until}.</span>`
  if (s.kind === 'child') return html`<span>Waits for its <a href=${`/ui/tasks/${encodeURIComponent(s.child)}`}>child task</a>.</span>`
  return html`<span>Waits for a signal${until}.</span>`
}

/** @param {any} human */
const roles = human => (Array.isArray(human.roles) && human.roles.length ? ` (${human.roles.map(word).join(' or ')})` : '')

/** @param {{step: any, undo: boolean, task: any, act: any}} props */
function Details({ step, undo, task, act }) {
  const a = undo ? step.undo : step.do
  const name = `${task.id}-${step.path}`
  return html`<div class="details">
    ${step.human && html`<p><strong>${word(step.human.title ?? '')}</strong> ${word(step.human.description ?? '')}</p>`}
    ${step.human && !undo && act && stepState(step, task.state) === 'waiting' && html`<p><button type="button" class="primary small" onClick=${() => act({ answer: step })}>Answer …</button></p>`}
    ${step.child && html`<p>Child task <a href=${`/ui/tasks/${encodeURIComponent(step.child)}`}><code>${step.child}</code></a>${step.childState ? `: ${step.childState}` : ''}</p>`}
    <${Tries} tries=${a.tries} known=${!step.shown} />
    ${!undo && html`<${Value} label="Output" value=${step.output} name=${name} />`}
    <p class="muted small"><code>${step.path}</code> · ${step.kind}</p>
  </div>`
}

/** @param {{tries: any[], known: boolean}} props */
function Tries({ tries, known }) {
  if (!tries.length) return null
  if (!known) return html`<p class="muted small">Single attempts are told for as long as the task’s journal is kept.</p>`
  const shown = tries.slice(-100)
  return html`<div class="scroll"><table class="tries-table"><caption class="sr">Attempts</caption>
    <thead><tr><th scope="col">Attempt</th><th scope="col">Began</th><th scope="col">Took</th><th scope="col">Outcome</th></tr></thead>
    <tbody>${shown.map((t, i) => html`<tr><th scope="row">${tries.length - shown.length + i + 1}</th>
      <td><${Time} at=${t.from} /></td><td>${Number.isNaN(t.to) ? 'under way' : duration(t.to - t.from)}</td><td>${outcome(t)}</td></tr>`)}</tbody></table></div>`
}

/** @param {any} t */
function outcome(t) {
  if (t.outcome === 'done') return 'done'
  if (t.outcome === 'open') return t.due ? html`must be over by <${Time} at=${t.due} />` : ''
  if (t.outcome === 'interrupted') return html`interrupted: does not count ${t.error && html`<span class="error-text">${String(t.error)}</span>`}`
  const flags = [t.timedOut && 'timed out', t.unknown && 'may have had its effect', t.final && 'no further attempt'].filter(Boolean).join(', ')
  return html`<span class="error-text">${String(t.error ?? 'failed')}</span> ${flags && html`<span class="muted">(${flags})</span>`}`
}
