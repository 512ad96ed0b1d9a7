// Cancels or runs again all tasks of a filter: first it is counted, then a person says yes to the number.
import { call } from './api.js'
import { html, useEffect, useRef, useState } from './html.js'
import { bound, may, useSession } from './session.js'
import { isFinished } from './record.js'
import { about, Form, text, wrong } from './actions.js'
import { Dialog, Field, Trouble } from './parts.js'
import { count } from './text.js'

/** @type {Record<string, {verb: string, done: string, says: string}>} */
const kinds = {
  cancel: { verb: 'Cancel', done: 'are being cancelled', says: 'What they have begun is undone.' },
  retry: { verb: 'Run again', done: 'were started', says: 'A new task is started like each, with its input. Without a state: those that failed or were cancelled.' },
}

/** A button for those who may. @param {{filter: Record<string, string>, onDone: () => void}} props */
export function Bulk({ filter, onDone }) {
  const session = useSession()
  const [open, set] = useState(false)
  if (!may(session, bound(session) ? 'starter' : 'operator')) return null
  return html`<button type="button" title="Cancel, or run again, all tasks of this list" onClick=${() => set(true)}>All of them …</button>
    ${open && html`<${All} filter=${filter} onClose=${() => { set(false); onDone() }} />`}`
}

/**
 * What is sent for a filter. All is for who sees all; others say whose tasks they mean.
 * @param {Record<string, string>} filter @param {import('./session.js').Session | null} session
 */
function which(filter, session) {
  if (Object.keys(filter).length) return { filter }
  if (!bound(session)) return { all: true }
  return { filter: session?.user_id ? { user_id: session.user_id } : { service: session?.service } }
}

/** @param {{filter: Record<string, string>, onClose: () => void}} props */
function All({ filter, onClose }) {
  const session = useSession()
  const [plan, set] = useState(/** @type {{kind: string, reason: string, matched: number, capped: boolean, meant: object} | null} */ (null))
  if (plan) return html`<${Run} plan=${plan} onClose=${onClose} />`
  const fit = Object.keys(kinds).filter(kind => !filter.state || isFinished(filter.state) === (kind === 'retry'))
  const send = async (/** @type {FormData} */ form) => {
    const kind = text(form, 'kind')
    const reason = text(form, 'reason')
    if (!reason) throw wrong('/reason', 'Say why: it is kept, with your name.')
    const meant = which(filter, session)
    const { matched, capped } = await call('POST', `/v1/tasks/bulk/${kind}`, { body: { ...meant, reason, dry_run: true } })
    set({ kind, reason, matched, capped, meant })
  }
  return html`<${Form} title="All tasks of this list" button="Count them" send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    <p>${Object.keys(filter).length ? html`That is every task with ${Object.entries(filter).map(([name, value], i) => html`${i > 0 && ', '}${name} <strong>${value}</strong>`)}, whether it is shown or not.` : `There is no filter: that is every task${bound(session) ? ' that is yours to see' : ''}.`}</p>
    <fieldset><legend>What to do</legend>${fit.map((kind, i) => html`<label class="choice"><input type="radio" name="kind" value=${kind} defaultChecked=${i === 0} autofocus=${i === 0} /><span><strong>${kinds[kind].verb}</strong> <span class="muted">${kinds[kind].says}</span></span></label>`)}</fieldset>
    <${Field} label="Why" error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" ...${a} />`}</${Field}>`}</${Form}>`
}

/** A key of this run: what is sent twice is done once. */
const newKey = () => `pages-${Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('')}`

/** Asks once more, and then goes from answer to answer. @param {{plan: any, onClose: () => void}} props */
function Run({ plan, onClose }) {
  const { verb, done: past } = kinds[plan.kind]
  const [run, set] = useState({ state: 'asks', done: 0, refused: /** @type {any[]} */ ([]), problem: /** @type {any} */ (null) })
  const progress = useRef({ cursor: '', done: 0, refused: /** @type {any[]} */ ([]), key: newKey(), stopped: false })
  useEffect(() => () => { progress.current.stopped = true }, [])
  const go = async () => {
    const p = progress.current
    const show = (/** @type {string} */ state, /** @type {any} */ problem = null) => set({ state, done: p.done, refused: p.refused, problem })
    show('runs')
    try {
      do {
        const answer = await call('POST', `/v1/tasks/bulk/${plan.kind}`, { headers: { 'Idempotency-Key': p.key }, body: { ...plan.meant, reason: plan.reason, ...(p.cursor ? { cursor: p.cursor } : {}) } })
        p.done += answer.done
        p.refused = [...p.refused, ...answer.refused].slice(0, 100)
        p.cursor = answer.next ?? ''
        show('runs')
      } while (p.cursor && !p.stopped)
      show('done')
    } catch (problem) {
      show('asks', problem)
    }
  }
  const tasks = `${plan.matched.toLocaleString()}${plan.capped ? '+' : ''} ${plan.matched === 1 ? 'task' : 'tasks'}`
  return html`<${Dialog} title=${plan.matched ? `${verb}: ${tasks}` : 'No task is like that.'} onClose=${onClose}>
    ${plan.matched > 0 && run.state === 'asks' && html`<p>${kinds[plan.kind].says} This cannot be taken back.</p>`}
    <div role="status">${run.state !== 'asks' && html`<p>${count(run.done, 'task')} ${past}${run.state === 'runs' ? ' …' : '.'}</p>`}</div>
    ${run.refused.length > 0 && html`<div class="scroll short"><p>Refused:</p><ul>${run.refused.map(r => html`<li key=${r.id}><code>${r.id}</code> <span class="error-text">${r.detail}</span></li>`)}</ul></div>`}
    <${Trouble} problem=${run.problem} />
    <div class="buttons"><button type="button" onClick=${onClose} autofocus>${run.state === 'asks' && plan.matched ? 'Back' : run.state === 'runs' ? 'Stop' : 'Close'}</button>
      ${plan.matched > 0 && run.state === 'asks' && html`<button type="button" class=${plan.kind === 'cancel' ? 'danger' : 'primary'} onClick=${go}>${run.problem ? 'Try again' : `${verb}: ${tasks}`}</button>`}</div></${Dialog}>`
}
