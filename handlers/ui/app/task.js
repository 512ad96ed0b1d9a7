// The page of one task.
import { html, useEffect, useRef, useState } from './html.js'
import { isFinished } from './record.js'
import { useTask } from './follow.js'
import { may, useSession } from './session.js'
import { Copy, Empty, Skeleton, State, stateWord, Time, Trouble, useNow, useTitle } from './parts.js'
import { Value } from './value.js'
import { Lanes } from './lanes.js'
import { Marks } from './marks.js'
import { Action, actionsOf } from './actions.js'
import { duration } from './text.js'

const nil = '00000000-0000-0000-0000-000000000000'

/** @param {{id: string}} props */
export function Task({ id }) {
  const { record, version, connection, problem, pausedBy, unserved, read } = useTask(id)
  const session = useSession()
  const [asked, ask] = useState(/** @type {any} */ (null))
  const [said, say] = useState('')
  useTitle(record ? `${stateWord(record.state)} · ${record.type}` : id)
  useUsable(Boolean(record))
  useEffect(() => {
    const timer = said && setTimeout(() => say(''), 15000)
    return () => clearTimeout(timer || undefined)
  }, [said])
  if (!record) {
    if (problem?.status === 404) {
      return html`<${Empty} whole title="There is no such task."><p class="muted">It may have been deleted, or it belongs to somebody else.</p>
        <p><a href="/ui/tasks">See the tasks</a></p></${Empty}>`
    }
    return html`<h1 class="sr">Task ${id}</h1>${problem ? html`<${Trouble} problem=${problem} again=${read} />` : html`<${Connected} connection=${connection} /><${Skeleton} label="Loading the task" />`}`
  }
  const actions = actionsOf(record, session)
  const act = may(session, 'starter') ? (/** @type {any} */ what) => ask(what) : null
  return html`<article class="task">
    <p class="crumbs"><a href="/ui/tasks">Tasks</a></p>
    <div class="head"><h1><a class="plain" href=${`/ui/tasks?type=${encodeURIComponent(record.type)}`}>${record.type}</a></h1>
      <span class="live-state"><${State} state=${record.state} big /></span><${Connected} connection=${connection} />
      <span class="actions">${actions.map(a => html`<button type="button" class=${a.primary ? 'primary' : ''} onClick=${() => ask(a.what)}>${a.label}</button>`)}</span></div>
    <p class="id"><code>${record.id}</code> <${Copy} text=${record.id} label="Copy the id" /></p>
    <div class="sr" role="status" aria-live="polite"><${Announced} record=${record} /></div>
    ${said && html`<p class="said" role="status">${said}</p>`}
    <${Why} record=${record} />
    <${Held} pauses=${pausedBy} unserved=${unserved} />
    <${Facts} record=${record} />
    <div class="values"><${Value} label="Input" value=${record.input} name=${`${id}-input`} />
      ${record.output !== undefined && html`<${Value} label="Output" value=${record.output} name=${`${id}-output`} open=${small(record.output)} />`}</div>
    <${Lanes} record=${record} version=${version} act=${act} resolves=${may(session, 'operator')} />
    <${Marks} marks=${record.marks} by=${record.by} />
    ${asked && html`<${Action} what=${asked} record=${record} onClose=${() => ask(null)} onDone=${(/** @type {string} */ text) => { ask(null); say(text); read() }} />`}
  </article>`
}

/** Marks when the page can be used first: a test measures it. @param {boolean} there */
function useUsable(there) {
  useEffect(() => {
    if (there && !performance.getEntriesByName('osp:usable').length) performance.mark('osp:usable')
  }, [there])
}

/** Says each change of the state, to those who do not see it. @param {{record: any}} props */
function Announced({ record }) {
  const last = useRef({ state: record.state, said: '' })
  if (last.current.state !== record.state) last.current = { state: record.state, said: `The task is ${stateWord(record.state).toLowerCase()}.` }
  return last.current.said
}

/** @param {{connection: string}} props */
function Connected({ connection }) {
  const words = { live: 'Live', away: 'No connection: trying again', connecting: 'Connecting', ended: '' }
  const text = words[/** @type {keyof typeof words} */ (connection)]
  return text && html`<span class=${`connection ${connection}`} role="status"><span aria-hidden="true">●</span> ${text}</span>`
}

/** Why it failed, is being undone or cannot go on. @param {{record: any}} props */
function Why({ record }) {
  const stuck = record.steps.filter((/** @type {any} */ s) => !s.notUndone && (s.undo.state === 'failed' || s.shown?.state === 'stuck'))
  return html`${record.error && html`<div class=${`why s-${record.state}`}><h2 class="sr">Error</h2><p class="full">${String(record.error)}</p></div>`}
    ${record.state === 'stuck' && html`<div class="why s-stuck"><p><strong>An undo has failed for good, and the task waits for an operator.</strong></p>
      ${stuck.map((/** @type {any} */ s) => html`<p><code>${s.path}</code> ${String(s.undo.error)}</p>`)}</div>`}
    ${record.notUndone.length > 0 && html`<div class="why s-not_undone"><p><strong>Not undone:</strong> ${record.notUndone.map((/** @type {string} */ p, /** @type {number} */ i) => html`${i > 0 && ', '}<code>${p}</code>`)}</p></div>`}`
}

/** What holds it. @param {{pauses: any[], unserved: boolean}} props */
const Held = ({ pauses, unserved }) => html`<div role="status">${unserved && html`<div class="why s-waiting">
  <p><strong>No worker serves its queue</strong> at the moment: it goes on when one does.</p></div>`}${pauses.map(p => html`<div class="why s-waiting" key=${`${p.kind} ${p.name}`}>
  <p><strong>Paused by ${p.by}</strong> since <${Time} at=${p.since} />: the ${p.kind} ${p.name}</p><p class="full">${p.reason}</p></div>`)}</div>`

/** @param {{record: any}} props */
function Facts({ record }) {
  const over = isFinished(record.state)
  const now = useNow(1000, !over)
  const end = over ? record.completedAt : now
  return html`<dl class="facts">
    ${record.service && html`<div><dt>Service</dt><dd><a href=${`/ui/tasks?service=${encodeURIComponent(record.service)}`}>${record.service}</a></dd></div>`}
    <div><dt>Created</dt><dd><${Time} at=${record.createdAt} />${record.by && html` by ${record.by}`}</dd></div>
    ${record.startedAt ? html`<div><dt>${over ? 'Took' : 'Running for'}</dt><dd>${duration(Math.max(0, end - record.startedAt))}</dd></div>` : ''}
    ${over && html`<div><dt>Ended</dt><dd><${Time} at=${record.completedAt} /></dd></div>`}
    ${!over && record.due ? (record.state === 'waiting' || record.state === 'pending') && html`<div><dt>Goes on</dt><dd><${Time} at=${record.due} /></dd></div>` : ''}
    ${!over && record.deadline ? html`<div><dt>Deadline</dt><dd><${Time} at=${record.deadline} /></dd></div>` : ''}
    ${record.queue && html`<div><dt>Queue</dt><dd>${record.queue}</dd></div>`}
    ${record.userID && record.userID !== nil && html`<div><dt>User</dt><dd><code>${record.userID}</code></dd></div>`}
    ${record.retryOf && html`<div><dt>Again for</dt><dd><a href=${`/ui/tasks/${encodeURIComponent(record.retryOf)}`}><code>${record.retryOf}</code></a></dd></div>`}
    ${record.parent && html`<div><dt>Child of</dt><dd><a href=${`/ui/tasks/${encodeURIComponent(record.parent)}`}><code>${record.parent}</code></a></dd></div>`}
  </dl>`
}

/** @param {any} value */
const small = value => value !== undefined && value !== null && JSON.stringify(value).length < 600
