// Queues, pauses, workers and dead letters, on the overview.
import { call, get, post } from './api.js'
import { html } from './html.js'
import { useRead } from './read.js'
import { Field, Skeleton, Time, Trouble, useNow } from './parts.js'
import { about, text, wrong } from './actions.js'
import { count, duration } from './text.js'

/** @typedef {(question: import('./because.js').Question) => void} Ask */
/** @param {string} kind @param {string} name */
const pausePath = (kind, name) => `/v1/pauses/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`

/** @param {string} kind @param {string} name @returns {import('./because.js').Question} */
const pausing = (kind, name) => ({
  title: `Pause the ${kind} ${name}?`, button: 'Pause',
  says: 'Its tasks begin no further step. What is under way goes on to its end, and what is to be undone is undone.',
  send: async reason => {
    const { warnings = [] } = await call('PUT', pausePath(kind, name), { body: { reason } })
    return [`The ${kind} ${name} is paused.`, ...warnings.map((/** @type {any} */ w) => w.detail)].join(' ')
  },
})

/** @param {string} kind @param {string} name @returns {import('./because.js').Question} */
const resuming = (kind, name) => ({
  title: `Resume the ${kind} ${name}?`, button: 'Resume', says: 'Its tasks go on where they stand.', optional: true,
  send: async reason => {
    await call('DELETE', pausePath(kind, name), reason ? { body: { reason } } : {})
    return `The ${kind} ${name} goes on.`
  },
})

/** @param {{queues: any[], pauses: any[], operator: boolean, ask: Ask}} props */
export function Queues({ queues, operator, ask }) {
  return html`<section class="card" aria-labelledby="queues"><h2 id="queues">Queues</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="How the queues stand"><table class="list numbers wide"><thead><tr><th scope="col">Queue</th><th scope="col" class="less">Weight</th><th scope="col">Waiting</th><th scope="col" class="less">Active</th><th scope="col" class="less">Later</th><th scope="col" class="less">Parked</th><th scope="col">Oldest</th>${operator && html`<th scope="col"><span class="sr">Actions</span></th>`}</tr></thead>
      <tbody>${queues.map(q => html`<tr key=${q.name}><th scope="row">${q.name} ${q.paused && html`<${Paused} />`}${q.undo_paused && html` <span class="error-text small">asynq delivers nothing of it, undos included</span>`}${q.unserved && html` <span class="error-text small">no worker serves it</span>`}</th>
        <td class="less">${q.weight}</td><td>${q.pending.toLocaleString()}</td><td class="less">${q.active.toLocaleString()}</td><td class="less">${q.scheduled.toLocaleString()}</td><td class="less">${q.retry.toLocaleString()}</td>
        <td>${q.oldest_waiting_seconds > 0 ? duration(q.oldest_waiting_seconds * 1000) : '–'}</td>
        ${operator && html`<td><${Switch} on=${q.paused} kind="queue" name=${q.name} ask=${ask} /></td>`}</tr>`)}</tbody></table></div></section>`
}

const Paused = () => html`<span class="state s-waiting"><span class="sign" aria-hidden="true">‖</span>Paused</span>`

/** @param {{on: boolean, kind: string, name: string, ask: Ask}} props */
const Switch = ({ on, kind, name, ask }) => html`<button type="button" class="small" aria-label=${`${on ? 'Resume' : 'Pause'} the ${kind} ${name}`} onClick=${() => ask((on ? resuming : pausing)(kind, name))}>${on ? 'Resume …' : 'Pause …'}</button>`

/** Asks for what is to be paused, too. @type {import('./because.js').Question} */
const another = {
  title: 'Pause tasks', button: 'Pause',
  says: 'Tasks of the type or the service begin no further step, until somebody resumes them. What is to be undone is undone.',
  fields: problem => html`<fieldset><legend>What</legend>${[['type', 'A type of tasks'], ['service', 'A service']].map(([kind, label], i) => html`<label class="choice"><input type="radio" name="kind" value=${kind} defaultChecked=${i === 0} autofocus=${i === 0} /><span>${label}</span></label>`)}</fieldset>
    <${Field} label="Its name" error=${about(problem, '/name')}>${(/** @type {any} */ a) => html`<input name="name" autocomplete="off" autocapitalize="off" spellcheck=${false} ...${a} />`}</${Field}>`,
  send: (reason, form) => {
    const name = text(form, 'name')
    if (!name) throw wrong('/name', 'Say which.')
    return pausing(text(form, 'kind'), name).send(reason, form)
  },
}

/** @param {{pauses: any[], operator: boolean, ask: Ask}} props */
export function Pauses({ pauses, operator, ask }) {
  return html`<section class="card" aria-labelledby="pauses"><div class="headed"><h2 id="pauses">Pauses</h2>
      ${operator && html`<button type="button" class="small" onClick=${() => ask(another)}>Pause a type or a service …</button>`}</div>
    ${pauses.length ? html`<ul class="latest">${pauses.map(p => html`<li key=${`${p.kind} ${p.name}`}><${Paused} />
      <div><span class="muted">${p.kind}</span> <strong>${p.name}</strong><span class="quote">${p.reason}</span><span class="by muted small">by ${p.by}, since <${Time} at=${p.since} /></span></div>
      ${operator && html`<${Switch} on kind=${p.kind} name=${p.name} ask=${ask} />`}</li>`)}</ul>` : html`<p class="muted">Nothing is paused.</p>`}</section>`
}

/** @param {{workers: any[]}} props */
export function Workers({ workers }) {
  const now = useNow(10000)
  return html`<section class="card" aria-labelledby="workers"><h2 id="workers">Workers</h2>
    ${workers.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Which workers there are"><table class="list numbers wide"><thead><tr><th scope="col">Host</th><th scope="col">Queues</th><th scope="col">Busy</th><th scope="col">Started</th></tr></thead>
      <tbody>${workers.map(w => html`<tr key=${w.id}><th scope="row"><span title=${w.id}>${w.host}</span></th><td>${(w.queues ?? []).join(', ')}</td>
        <td><meter min="0" max=${w.concurrency} value=${w.active} aria-label=${`Places that are busy on ${w.host}`}></meter> ${w.active} of ${w.concurrency}</td>
        <td><${Time} at=${w.started_at} ago now=${now} /></td></tr>`)}</tbody></table></div>`
    : html`<p class="error-text">No worker runs: tasks are taken in, and wait. Start one with ROLE=worker.</p>`}</section>`
}

/** @param {{n: number, operator: boolean, ask: Ask}} props */
export function DeadLetters({ n, operator, ask }) {
  const resend = (/** @type {object} */ which, /** @type {string} */ title) => ask({
    title, button: 'Send again', optional: true, says: 'The result store is asked once more to take the rows. Mend first what it refused them for.',
    send: async reason => {
      const { resent } = await post('/v1/dead-letters/resend', { ...which, ...(reason ? { reason } : {}) })
      return `${count(resent, 'row is', 'rows are')} sent again.`
    },
  })
  return html`<section class="card" aria-labelledby="dead"><div class="headed"><h2 id="dead">Dead letters</h2>
      ${n > 0 && operator && html`<button type="button" class="small" onClick=${() => resend({ all: true }, 'Send all dead letters again?')}>Send all again …</button>`}</div>
    ${n === 0 ? html`<p class="muted">The result store has refused no row.</p>` : operator ? html`<${Letters} n=${n} resend=${resend} />`
    : html`<p>${count(n, 'row was', 'rows were')} refused by the result store. Operators see which, and why.</p>`}</section>`
}

/** @param {{n: number, resend: (which: object, title: string) => void}} props */
function Letters({ n, resend }) {
  const { value, problem, again } = useRead(signal => get('/v1/dead-letters?limit=10', signal), [], 4000)
  if (!value) return problem ? html`<${Trouble} problem=${problem} again=${again} />` : html`<${Skeleton} lines=${2} label="Loading the dead letters" />`
  return html`<ul class="latest">${value.dead_letters.map((/** @type {any} */ d) => html`<li key=${d.id}>
    <div><a href=${`/ui/tasks/${encodeURIComponent(d.id)}`}><strong>${d.type}</strong> <code>${d.id}</code></a><span class="error-text">${d.error}</span><span class="by muted small">refused <${Time} at=${d.at} /></span></div>
    <button type="button" class="small" aria-label=${`Send again: ${d.id}`} onClick=${() => resend({ ids: [d.id] }, 'Send this row again?')}>Send again …</button></li>`)}</ul>
    ${value.next && html`<p class="muted">The first ${value.dead_letters.length} of ${n.toLocaleString()}.</p>`}`
}
