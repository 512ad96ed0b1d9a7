// What people may do to a task: which actions there are, and the dialog of each.
import { html, useRef, useState } from './html.js'
import { post, Problem, call, taskPath } from './api.js'
import { navigate } from './router.js'
import { bound, may } from './session.js'
import { isFinished, stepState } from './record.js'
import { Dialog, Field, Trouble } from './parts.js'
import { word } from './text.js'

/** Tells whether the tasks of a type are not the session's to start. @param {string} type @param {any} session */
const refused = (type, session) => (bound(session) && type === 'http.saga') || (session?.user_id && type === 'webhook.deliver') || (session?.service && type === 'service.create')

/** The actions that the state and the role allow. @param {import('./record.js').Record} r @param {any} session */
export function actionsOf(r, session) {
  const actions = []
  const stuck = r.state === 'stuck' && may(session, 'operator') ? firstStuck(r) : undefined
  if (stuck) actions.push({ label: 'Resolve …', what: { resolve: stuck }, primary: true })
  if (!may(session, 'starter')) return actions
  const human = r.phase === 'forward' ? r.steps.find(s => s.human && stepState(s, r.state) === 'waiting') : undefined
  if (human) actions.push({ label: 'Answer …', what: { answer: human }, primary: true })
  if (isFinished(r.state)) {
    if (!refused(r.type, session)) actions.push({ label: 'Run again …', what: { again: true } })
  } else {
    actions.push({ label: 'Send a signal …', what: { signal: true } })
    if (r.phase === 'forward') actions.push({ label: 'Cancel …', what: { cancel: true } })
  }
  return actions
}

/** @param {import('./record.js').Record} r */
const firstStuck = r => r.steps.find(s => !s.notUndone && (s.undo.state === 'failed' || s.shown?.state === 'stuck'))?.path

/** The dialog of an action. @param {{what: any, record: any, onClose: () => void, onDone: (said: string) => void}} props */
export function Action(props) {
  const { what } = props
  if (what.cancel) return html`<${Cancel} ...${props} />`
  if (what.again) return html`<${Again} ...${props} />`
  if (what.signal) return html`<${Signal} ...${props} />`
  if (what.resolve) return html`<${Resolve} ...${props} />`
  if (what.answer) return html`<${Answer} ...${props} task=${props.record.id} step=${answerStep(what.answer.path)} human=${what.answer.human} />`
  return null
}

/** The human task that a wait belongs to: one that was escalated waits a second time, under another name. @param {string} path */
const answerStep = path => path.replace(/\.escalated$/, '')

/**
 * A form in a dialog. Send throws what is wrong.
 * @param {{title: string, button: string, danger?: boolean, send: (form: FormData) => Promise<void>, onClose: () => void, children: (p: any) => any}} props
 */
export function Form({ title, button, danger, send, onClose, children }) {
  const [problem, set] = useState(/** @type {any} */ (null))
  const [busy, setBusy] = useState(false)
  const form = useRef(/** @type {HTMLFormElement | null} */ (null))
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    set(null)
    try {
      await send(new FormData(event.target))
    } catch (/** @type {any} */ error) {
      setBusy(false)
      set(error)
      setTimeout(() => /** @type {HTMLElement | null | undefined} */ (form.current?.querySelector('[aria-invalid], fieldset:has(.wrong) input'))?.focus())
    }
  }
  return html`<${Dialog} title=${title} onClose=${onClose}><form ref=${form} onSubmit=${submit} novalidate>
    ${children(problem)}
    ${!(problem instanceof Unsent) && html`<${Trouble} problem=${problem} />`}
    <div class="buttons"><button type="button" onClick=${onClose}>Back</button>
      <button type="submit" class=${danger ? 'danger' : 'primary'} disabled=${busy}>${busy ? 'Sending …' : button}</button></div>
  </form></${Dialog}>`
}

/** What is wrong with a field before anything is sent: it is told below the field. */
class Unsent extends Problem {}

/** @param {string} pointer @param {string} detail */
export const wrong = (pointer, detail) => new Unsent(0, { errors: [{ pointer, detail }] })

/** @param {{text?: string}} props */
const Wrong = ({ text }) => text && html`<p class="wrong" role="alert">${text}</p>`

/** @param {any} problem @param {string} pointer */
export const about = (problem, pointer) => problem?.about?.(pointer)

/** @param {FormData} form @param {string} name */
export const text = (form, name) => String(form.get(name) ?? '').trim()

/** Reads what should be JSON; nothing is nothing. @param {FormData} form @param {string} name @param {boolean} [object] */
function json(form, name, object) {
  const raw = text(form, name)
  if (!raw) return ''
  try {
    const value = JSON.parse(raw)
    if (object && (value === null || typeof value !== 'object' || Array.isArray(value))) throw new Error('It must be an object: {"name": "value"}')
  } catch (/** @type {any} */ error) {
    throw wrong(`/${name}`, `This is not right: ${error.message}`)
  }
  return raw
}

/** @param {any} props */
function Cancel({ record, onClose, onDone }) {
  const send = async (/** @type {FormData} */ form) => {
    const reason = text(form, 'reason')
    if (!reason) throw wrong('/reason', 'Say why: it stands in the task’s journal.')
    await post(`${taskPath(record.id)}/cancel`, { reason })
    onDone('It is being cancelled: what it began is undone.')
  }
  return html`<${Form} title="Cancel this task?" button="Cancel the task" danger send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    <p>What it has begun is undone, the last step first. This cannot be taken back.</p>
    <${Field} label="Why" error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" required autofocus ...${a} />`}</${Field}>`}</${Form}>`
}

/** @param {any} props */
function Again({ record, onClose }) {
  const send = async (/** @type {FormData} */ form) => {
    const reason = text(form, 'reason')
    const task = await post(`${taskPath(record.id)}/retry`, reason ? { reason } : undefined)
    navigate(`/ui/tasks/${encodeURIComponent(task.id)}`)
  }
  return html`<${Form} title="Run this task again?" button="Run again" send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    <p>A new task of the type <strong>${record.type}</strong> is started, with the same input. This one stays as it is.</p>
    <${Field} label="Why (if you like)" error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" autofocus ...${a} />`}</${Field}>`}</${Form}>`
}

/** @param {any} props */
function Signal({ record, onClose, onDone }) {
  const [expected] = useState(() => { // what is typed must not be lost when the task goes on
    const waiting = record.steps.find((/** @type {any} */ s) => s.kind === 'signal' && !s.human && stepState(s, record.state) === 'waiting')
    return waiting ? waiting.path.split('/').at(-1) : ''
  })
  const send = async (/** @type {FormData} */ form) => {
    const name = text(form, 'name')
    if (!/^[A-Za-z0-9._:-]{1,128}$/.test(name)) throw wrong('/name', 'It must be 1 to 128 letters, digits, or . _ : -')
    const payload = json(form, 'payload')
    await call('POST', `${taskPath(record.id)}/signals/${encodeURIComponent(name)}`, { text: payload || undefined })
    onDone(`The signal ${name} is recorded.`)
  }
  return html`<${Form} title="Send a signal" button="Send" send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    <${Field} label="Name" error=${about(problem, '/name')} hint="As the workflow waits for it.">${(/** @type {any} */ a) => html`<input name="name" autocomplete="off" autocapitalize="off" spellcheck=${false} autofocus defaultValue=${expected} ...${a} />`}</${Field}>
    <${Field} label="Payload" error=${about(problem, '/payload')} hint="Any JSON, or nothing.">${(/** @type {any} */ a) => html`<textarea name="payload" rows="5" spellcheck=${false} placeholder=${'{"approved": true}'} ...${a}></textarea>`}</${Field}>`}</${Form}>`
}

const ways = [
  ['retry', 'Try the undo again', 'What kept it from working is mended.'],
  ['done', 'It has been undone by hand', 'The step counts as undone.'],
  ['skip', 'Leave it as it is', 'The step is listed under what was not undone, and the task ends failed.'],
]

/** @param {any} props */
function Resolve({ what, record, onClose, onDone }) {
  const step = record.steps.find((/** @type {any} */ s) => s.path === what.resolve)
  const send = async (/** @type {FormData} */ form) => {
    const action = text(form, 'action')
    const reason = text(form, 'reason')
    if (!action) throw wrong('/action', 'Choose what to do.')
    if (!reason) throw wrong('/reason', 'Say why: it stands in the task’s journal.')
    await post(`${taskPath(record.id)}/resolve`, { step: what.resolve, action, reason })
    onDone('It is recorded, and the task goes on.')
  }
  return html`<${Form} title="Resolve a stuck compensation" button="Resolve" send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    <p>The undo of <code>${what.resolve}</code> has failed for good:</p><pre class="error-text">${String(step?.undo.error ?? '')}</pre>
    <fieldset><legend>What to do</legend>${ways.map(([value, label, hint], i) => html`<label class="choice"><input type="radio" name="action" value=${value} autofocus=${i === 0} />
      <span><strong>${label}</strong> <span class="muted">${hint}</span></span></label>`)}
      <${Wrong} text=${about(problem, '/action')} /></fieldset>
    <${Field} label="Why" error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" required ...${a} />`}</${Field}>`}</${Form}>`
}

/** Answers a human task. @param {{task: string, step: string, human: any, onClose: () => void, onDone: (said: string) => void}} props */
export function Answer({ task, step, human, onClose, onDone }) {
  const send = async (/** @type {FormData} */ form) => {
    const outcome = text(form, 'outcome')
    const reason = text(form, 'reason')
    const output = json(form, 'output', true)
    if (!outcome) throw wrong('/outcome', 'Choose an answer.')
    if (outcome === 'rejected' && !reason) throw wrong('/reason', 'Say why it is rejected.')
    const members = [`"outcome":${JSON.stringify(outcome)}`, reason && `"reason":${JSON.stringify(reason)}`, output && `"output":${output}`]
    await call('POST', `${taskPath(task)}/human/${encodeURIComponent(step)}`, { text: `{${members.filter(Boolean).join()}}` })
    onDone('The answer is recorded.')
  }
  return html`<${Form} title=${word(human?.title || 'Answer')} button="Send the answer" send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    ${human?.description && html`<p>${word(human.description)}</p>`}
    <fieldset><legend>Answer</legend>
      <label class="choice"><input type="radio" name="outcome" value="completed" autofocus /><span><strong>Complete</strong> <span class="muted">The task goes on.</span></span></label>
      <label class="choice"><input type="radio" name="outcome" value="rejected" /><span><strong>Reject</strong> <span class="muted">What the workflow does then, or it is undone.</span></span></label>
      <${Wrong} text=${about(problem, '/outcome')} /></fieldset>
    <${Field} label="Why" error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" ...${a} />`}</${Field}>
    <${Field} label="What the workflow gets" error=${about(problem, '/output')} hint="A JSON object, or nothing.">${(/** @type {any} */ a) => html`<textarea name="output" rows="4" spellcheck=${false} placeholder=${'{"note": "fine"}'} ...${a}></textarea>`}</${Field}>`}</${Form}>`
}
