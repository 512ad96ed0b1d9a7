// How everything stands, what an operator must see first at the top.
import { get } from './api.js'
import { html } from './html.js'
import { useRead } from './read.js'
import { bound, may, useSession } from './session.js'
import { Skeleton, State, Time, Trouble, useNow, useTitle } from './parts.js'
import { stateNames, useCounts } from './counts.js'
import { useQuestions } from './because.js'
import { Chart } from './chart.js'
import { DeadLetters, Pauses, Queues, Workers } from './fleet.js'
import { duration, moment } from './text.js'

const every = 4000

export function Overview() {
  useTitle('Overview')
  const session = useSession()
  if (!session) return html`<h1>Overview</h1><${Skeleton} label="Loading the overview" />`
  return html`<h1>Overview</h1>${bound(session) ? html`<${Own} />` : html`<${Everything} session=${session} />`}`
}

/** All that is asked for at once. @param {AbortSignal} signal */
async function look(signal) {
  const [overview, queues, pauses] = await Promise.all(['/v1/overview', '/v1/queues', '/v1/pauses'].map(path => get(path, signal)))
  return { overview, queues: queues.items, pauses: pauses.items }
}

/** @param {{session: any}} props */
function Everything({ session }) {
  const { value, problem, at, again } = useRead(look, [], every)
  const { ask, dialog, said } = useQuestions(again)
  if (problem?.status === 403) return html`<${Own} />`
  if (!value) return problem ? html`<${Trouble} problem=${problem} again=${again} />` : html`<${Skeleton} lines=${10} label="Loading the overview" />`
  const { overview: o, queues, pauses } = value
  const operator = may(session, 'operator')
  return html`<div class="status" role="status">${problem && html`<span class="connection away"><span aria-hidden="true">●</span> Not up to date since ${moment(at)}: the server does not answer. Trying again.</span>`}</div>
    ${said}
    ${o.stuck > 0 && html`<${Stuck} n=${o.stuck} operator=${operator} />`}
    <${States} states=${o.states} capped=${o.capped} />
    <${Figures} overview=${o} />
    <section class="card" aria-labelledby="throughput"><h2 id="throughput">The last hour</h2><${Chart} minutes=${o.throughput ?? []} />
      <p class="muted small">Counted in Redis, and from nothing again where Redis has lost its data. States and failures are what the result store has, of any time.</p></section>
    <section class="card" aria-labelledby="failures"><h2 id="failures">Latest failures</h2><${Latest} state="failed" none="No task has failed." /></section>
    <${Queues} queues=${queues} pauses=${pauses} operator=${operator} ask=${ask} />
    <${Pauses} pauses=${pauses} operator=${operator} ask=${ask} />
    <${Workers} workers=${o.workers ?? []} />
    <${DeadLetters} n=${o.dead_letters} operator=${operator} ask=${ask} />${dialog}`
}

/** Tasks whose compensation needs a person. @param {{n: number, operator: boolean}} props */
function Stuck({ n, operator }) {
  return html`<section class="alarm" aria-labelledby="stuck"><h2 id="stuck">${n.toLocaleString()} ${n === 1 ? 'task is' : 'tasks are'} stuck</h2>
    <p>An undo failed for good, and what it should have undone is still there. ${operator ? 'Open the task, mend the cause, and resolve it.' : 'An operator has to resolve it.'}</p>
    <${Latest} state="stuck" none="None of them is in the result store yet." /></section>`
}

/** @param {{states: Record<string, number>, capped?: boolean}} props */
const States = ({ states, capped }) => html`<ul class="counts" aria-label="Tasks by state">${stateNames.map(name => html`<li><a href=${`/ui/tasks?state=${name}`}><${State} state=${name} /><b>${(states?.[name] ?? 0).toLocaleString()}${capped ? '+' : ''}</b></a></li>`)}</ul>`

/** @param {{overview: any}} props */
function Figures({ overview: o }) {
  const workers = o.workers ?? []
  const busy = workers.reduce((/** @type {number} */ n, /** @type {any} */ w) => n + w.active, 0)
  const slots = workers.reduce((/** @type {number} */ n, /** @type {any} */ w) => n + w.concurrency, 0)
  /** @type {[string, string, string, boolean][]} */
  const figures = [
    ['Backlog', o.backlog.toLocaleString(), o.backlog === 1 ? 'delivery due, or under way' : 'deliveries due, or under way', false],
    ['Oldest waiting', o.oldest_waiting_seconds > 0 ? duration(o.oldest_waiting_seconds * 1000) : '–', o.oldest_waiting_seconds > 0 ? 'for a worker' : 'nothing waits for a worker', o.oldest_waiting_seconds > 300],
    ['Workers', workers.length.toLocaleString(), workers.length ? `${busy} of ${slots} places busy` : 'nothing is carried out', !workers.length],
    ['Unwritten', o.unwritten.toLocaleString(), 'rows on their way to the result store', false],
    ['Dead letters', o.dead_letters.toLocaleString(), 'rows that it has refused', o.dead_letters > 0],
  ]
  return html`<dl class="figures">${figures.map(([name, figure, hint, bad]) => html`<div class=${bad ? 'bad' : ''}><dt>${name}</dt><dd><b>${bad && html`<span aria-hidden="true">! </span>`}${figure}</b><span class="muted small">${hint}</span></dd></div>`)}</dl>`
}

/** The newest tasks in a state, or in any. @param {{state?: string, none: string}} props */
function Latest({ state = '', none }) {
  const { value, problem, again } = useRead(signal => get(`/v1/tasks?limit=5${state && `&state=${state}`}`, signal), [state], every * 2)
  const now = useNow(5000)
  if (!value) return problem ? html`<${Trouble} problem=${problem} again=${again} />` : html`<${Skeleton} lines=${3} label="Loading tasks" />`
  if (!value.tasks.length) return html`<p class="muted">${none}</p>`
  return html`<ul class="latest">${value.tasks.map((/** @type {any} */ t) => html`<li key=${t.id}><${State} state=${t.state} />
      <div><a href=${`/ui/tasks/${encodeURIComponent(t.id)}`}><strong>${t.type}</strong> <code>${t.id}</code></a>${t.service && html` <span class="muted small">${t.service}</span>`}
        ${t.error && html`<span class="error-text one">${t.error}</span>`}</div>
      <span class="muted small"><${Time} at=${t.completed_at ?? t.created_at} ago now=${now} /></span></li>`)}</ul>
    ${value.next && html`<p><a href=${state ? `/ui/tasks?state=${state}` : '/ui/tasks'}>See all of them</a></p>`}`
}

/** What those see who may see some tasks only. */
function Own() {
  const counts = useCounts({}, every)
  return html`<p class="muted">You see the tasks that are yours to see.</p>
    <${States} states=${counts?.state ?? {}} capped=${counts?.capped} />
    ${counts?.state.stuck > 0 && html`<${Stuck} n=${counts?.state.stuck} operator=${false} />`}
    <section class="card" aria-labelledby="latest"><h2 id="latest">Latest tasks</h2><${Latest} none="There is no task yet." /></section>
    <section class="card" aria-labelledby="failures"><h2 id="failures">Latest failures</h2><${Latest} state="failed" none="No task has failed." /></section>`
}
