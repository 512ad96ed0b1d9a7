// A workflow: its versions, the diagram of one, what two differ in, and who did what.
import { get, post, withQuery } from './api.js'
import { html } from './html.js'
import { setQuery } from './router.js'
import { useRead } from './read.js'
import { may, useSession } from './session.js'
import { Skeleton, Time, Trouble, useTitle } from './parts.js'
import { useQuestions } from './because.js'
import { Diagram } from './diagram.js'
import { VersionState } from './workflows.js'
import { pretty } from './text.js'

/** @param {{id: string, query: URLSearchParams}} props */
export function Workflow({ id, query }) {
  useTitle(id)
  const session = useSession()
  const operator = may(session, 'operator')
  const service = query.get('service') ?? ''
  const path = `/v1/workflows/${encodeURIComponent(id)}`
  const { value, problem, again } = useRead(signal => get(withQuery(path, { service, limit: 100 }), signal), [id, service], 10000)
  const { ask, dialog, said } = useQuestions(again)
  const versions = value?.versions ?? []
  const shown = versions.find((/** @type {any} */ v) => String(v.version) === query.get('version')) ?? versions.find((/** @type {any} */ v) => v.state === 'active') ?? versions[0]
  const what = { id, path, service, versions, shown }
  return html`<p class="crumbs"><a href="/ui/workflows">Workflows</a></p><h1>${id} <span class="muted of">${service ? `of ${service}` : 'of the platform'}</span></h1>${said}
    <${Trouble} problem=${value ? null : problem} again=${again} />${!value && !problem && html`<${Skeleton} label="Loading the workflow" />`}
    ${shown && html`<${Versions} ...${what} operator=${operator} ask=${ask} />
      ${operator ? html`<${Content} ...${what} /><${Differences} ...${what} query=${query} /><${Notes} ...${what} />`
      : session && html`<p class="muted">What is in a version, and who changed what, is for operators to see.</p>`}`}${dialog}`
}

/** What may follow a state, and how that is called. @type {Record<string, string[]>} */
const next = { draft: ['active', 'deprecated'], active: ['deprecated', 'locked'], deprecated: ['active'], locked: [] }

/** @type {Record<string, {verb: string, says: string, danger?: boolean}>} */
const changes = {
  active: { verb: 'Activate', says: 'New tasks begin with this version. The one that was active becomes deprecated; tasks that have begun stay on theirs.' },
  deprecated: { verb: 'Deprecate', says: 'It starts nothing any more. If it is the active one, starts are refused until another is active.', danger: true },
  locked: { verb: 'Lock', says: 'It never starts anything again. This cannot be taken back. Starts are refused until another version is active.', danger: true },
}

/** @param {any} props */
function Versions({ id, path, service, versions, shown, operator, ask }) {
  const change = (/** @type {any} */ v, /** @type {string} */ state) => ask({
    title: `${changes[state].verb} version ${v.version} of ${id}?`, button: changes[state].verb, danger: changes[state].danger, says: changes[state].says,
    send: async (/** @type {string} */ reason) => {
      await post(withQuery(`${path}/state`, { service }), { version: v.version, state, reason })
      return `Version ${v.version} is ${state}.`
    },
  })
  return html`<section class="card" aria-labelledby="versions"><h2 id="versions">Versions</h2><ul class="latest versions">${versions.map((/** @type {any} */ v) => html`<li key=${v.version} aria-current=${v === shown ? 'true' : undefined}>
    <${VersionState} state=${v.state} /><div><a href=${withQuery(`/ui/workflows/${encodeURIComponent(id)}`, { service, version: v.version })}><strong>Version ${v.version}</strong></a>
      <span class="by muted small">deployed <${Time} at=${v.created_at} /> by ${v.by}</span></div>
    ${operator && next[v.state]?.length > 0 && html`<span class="acts">${next[v.state].map(state => html`<button type="button" class="small" aria-label=${`${changes[state].verb} version ${v.version}`} onClick=${() => change(v, state)}>${changes[state].verb} …</button>`)}</span>`}</li>`)}</ul></section>`
}

/** @param {any} props */
function Content({ id, path, service, shown }) {
  const { value, problem, again } = useRead(signal => get(withQuery(`${path}/versions/${shown.version}`, { service }), signal), [path, service, shown.version])
  return html`<section class="card" aria-labelledby="steps"><h2 id="steps">Steps of version ${shown.version}</h2><${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} label="Loading the steps" />`}${value?.definition && html`<${Diagram} definition=${value.definition} name=${`${id}-${shown.version}`} />`}</section>`
}

/** @param {any} props */
function Differences({ path, service, versions, shown, query }) {
  if (versions.length < 2) return null
  // The shown version and the one before it; the oldest, and the one after it.
  const at = Math.min(versions.indexOf(shown), versions.length - 2)
  const before = query.get('before') ?? String(versions[at + 1].version)
  const after = query.get('after') ?? String(versions[at].version)
  const choose = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ value) => html`<label>${label} <select name=${name} value=${value} onChange=${(/** @type {any} */ e) => setQuery({ before, after, [name]: e.target.value })}>
    ${versions.map((/** @type {any} */ v) => html`<option value=${v.version} selected=${String(v.version) === value}>${v.version} (${v.state})</option>`)}</select></label>`
  return html`<section class="card" aria-labelledby="diff"><div class="headed"><h2 id="diff">Differences</h2><div class="pick">${choose('before', 'Between', before)} ${choose('after', 'and', after)}</div></div>
    <${Diff} path=${withQuery(`${path}/diff`, { service, from: before, to: after })} /></section>`
}

/** @param {{path: string}} props */
function Diff({ path }) {
  const { value, problem, again } = useRead(signal => get(path, signal), [path])
  if (!value) return problem ? html`<${Trouble} problem=${problem} again=${again} />` : html`<${Skeleton} lines=${3} label="Comparing" />`
  if (!value.differences.length) return html`<p class="muted">They have the same content.</p>`
  return html`<ul class="diff">${value.differences.map((/** @type {any} */ d) => html`<li key=${d.pointer}><code>${d.pointer || '/'}</code>
    ${'old' in d && html`<${Side} sign="−" word="was" value=${d.old} />`}${'new' in d && html`<${Side} sign="+" word="is" value=${d.new} />`}</li>`)}</ul>`
}

/** @param {{sign: string, word: string, value: any}} props */
const Side = ({ sign, word, value }) => html`<div class=${word}><span aria-hidden="true">${sign}</span><span class="sr">${word}</span><pre>${typeof value === 'string' ? value : pretty(value)}</pre></div>`

/** @type {Record<string, string>} */
const verbs = { create: 'deployed', activate: 'activated', deprecate: 'deprecated', lock: 'locked' }

/** Who did what. It is read again when a version's state has changed. @param {any} props */
function Notes({ path, service, versions }) {
  const states = versions.map((/** @type {any} */ v) => v.state).join()
  const { value, problem, again } = useRead(signal => get(withQuery(`${path}/audit`, { service, limit: 50 }), signal), [path, service, states])
  return html`<section class="card" aria-labelledby="notes"><h2 id="notes">Who did what</h2><${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} lines=${3} label="Loading the audit" />`}
    <ol class="latest">${(value?.notes ?? []).map((/** @type {any} */ n) => html`<li key=${n.id}><div>${n.by} ${verbs[n.action] ?? n.action} <strong>version ${n.version}</strong>${n.reason && html`<span class="quote">${n.reason}</span>`}</div>
      <span class="muted small"><${Time} at=${n.at} /></span></li>`)}</ol>${value?.next && html`<p class="muted">The newest ${value.notes.length}.</p>`}</section>`
}
