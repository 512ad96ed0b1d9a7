// The list of tasks.
import { html, useEffect, useLayoutEffect, useRef, useState } from './html.js'
import { navigate, setQuery } from './router.js'
import { get } from './api.js'
import { useList } from './list.js'
import { stateNames, useCounts } from './counts.js'
import { Bulk } from './bulk.js'
import { Empty, Skeleton, State, Time, Trouble, useNow, useTitle } from './parts.js'
import { count, duration, millis, moment } from './text.js'

const names = ['state', 'type', 'service', 'search']

/** @param {{query: URLSearchParams}} props */
export function Tasks({ query }) {
  useTitle('Tasks')
  /** @type {Record<string, string>} */
  const filter = {}
  for (const name of names) if (query.get(name)) filter[name] = query.get(name) ?? ''
  const { state, ...others } = filter
  const counts = useCounts(others, 5000)
  const table = useRef(/** @type {HTMLElement | null} */ (null))
  const idle = () => scrollY < 40 && !table.current?.contains(document.activeElement) && !table.current?.matches(':hover')
  const list = useList(filter, idle)
  useKeys(table)
  useEffect(() => {
    if (list.tasks && !performance.getEntriesByName('osp:usable').length) performance.mark('osp:usable')
  }, [Boolean(list.tasks)])
  const filtered = Object.keys(filter).length > 0
  return html`<h1>Tasks</h1>
    <nav class="states" aria-label="By state"><a href=${link({ ...filter, state: '' })} aria-current=${state ? undefined : 'true'}>All</a>
      ${stateNames.map(name => html`<a href=${link({ ...filter, state: name })} aria-current=${state === name ? 'true' : undefined}><${State} state=${name} />
        ${counts && html`<b>${(counts.state[name] ?? 0).toLocaleString()}${counts.capped ? '+' : ''}</b>`}</a>`)}</nav>
    <div class="filter-row"><${Filters} filter=${filter} /><${Bulk} filter=${filter} onDone=${list.again} /></div>
    <div class="status" role="status">${list.stale && html`<span class="connection away"><span aria-hidden="true">●</span> Not up to date since ${moment(list.at)}: the server does not answer. Trying again.</span>`}</div>
    <${Trouble} problem=${list.problem} again=${list.again} />
    ${list.waiting.length > 0 && html`<p class="new"><button type="button" onClick=${() => { list.showNew(); scrollTo(0, 0) }}>Show ${count(list.waiting.length, 'new task')}${list.waiting.length >= 30 ? ' or more' : ''}</button></p>`}
    ${!list.tasks && !list.problem && html`<${Skeleton} lines=${10} label="Loading the tasks" />`}
    ${list.tasks?.length === 0 && (filtered ? html`<${Empty} title="No task is like that."><p><a href="/ui/tasks">Show all tasks</a></p></${Empty}>`
    : html`<${Empty} title="There is no task yet."><p class="muted">POST /v1/tasks starts one, and it is shown here at once.</p></${Empty}>`)}
    ${list.tasks && list.tasks.length > 0 && html`<div ref=${table}><${Table} tasks=${list.tasks} /></div>
      <p class="keys muted small">While the list or nothing has the focus, j and k go from task to task, and / to the search.</p>`}
    ${list.next && html`<p class="more"><button type="button" disabled=${list.busy} onClick=${list.more}>${list.busy ? 'Loading …' : 'Show older tasks'}</button></p>`}`
}

/** @param {Record<string, string>} filter */
function link(filter) {
  const q = new URLSearchParams(Object.entries(filter).filter(([, value]) => value))
  return `/ui/tasks${q.size ? `?${q}` : ''}`
}

/** @param {{filter: Record<string, string>}} props */
function Filters({ filter }) {
  const [types, setTypes] = useState(/** @type {string[] | null} */ (null))
  const timer = useRef(/** @type {any} */ (0))
  const look = () => types ?? load().then(setTypes, () => setTypes([]))
  const change = (/** @type {any} */ e) => setQuery({ [e.target.name]: e.target.value.trim() })
  const typed = (/** @type {any} */ e) => {
    const { value } = e.target
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setQuery({ search: value.trim() }), 250)
  }
  const submit = (/** @type {any} */ e) => {
    e.preventDefault()
    const form = new FormData(e.target)
    clearTimeout(timer.current)
    setQuery(Object.fromEntries(['search', 'type', 'service'].map(name => [name, String(form.get(name) ?? '').trim()])))
  }
  return html`<form class="filters" role="search" aria-label="Tasks" onSubmit=${submit}>
    <label class="grow"><span class="sr">Search</span><${Typed} type="search" name="search" id="search" placeholder="Search by id, type or error  ( / )" now=${filter.search} onInput=${typed} /></label>
    <label><span class="sr">Type</span><${Typed} name="type" placeholder="Type" list="types" now=${filter.type} onFocus=${look} onChange=${change} autocomplete="off" spellcheck=${false} /></label>
    <datalist id="types">${(types ?? []).map(name => html`<option value=${name} />`)}</datalist>
    <label><span class="sr">Service</span><${Typed} name="service" placeholder="Service" now=${filter.service} onChange=${change} autocomplete="off" spellcheck=${false} /></label>
    ${Object.keys(filter).length > 0 && html`<a class="button" href="/ui/tasks">Clear</a>`}</form>`
}

/**
 * A field for a part of the filter. What is typed stays until the filter becomes another, however often the page is drawn.
 * @param {{now?: string, [attribute: string]: any}} props
 */
function Typed({ now = '', ...attributes }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null))
  useLayoutEffect(() => {
    if (field.current && field.current.value.trim() !== now) field.current.value = now
  }, [now])
  return html`<input ref=${field} ...${attributes} />`
}

/** The names of types, and of workflows that are data. @returns {Promise<string[]>} */
async function load() {
  const [types, workflows] = await Promise.all([get('/v1/types'), get('/v1/workflows?limit=200').catch(() => ({ versions: [] }))])
  return [...new Set([...types.types.map((/** @type {any} */ t) => t.name), ...workflows.versions.map((/** @type {any} */ v) => v.workflow)])].sort()
}

/** @param {{tasks: any[]}} props */
function Table({ tasks }) {
  const now = useNow(5000)
  return html`<table class="list tasks" role="table"><caption class="sr">Tasks, the newest first</caption>
    <thead role="rowgroup"><tr role="row">${['State', 'Task', 'Service', 'Steps', 'Took', 'Created'].map(name => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
    <tbody role="rowgroup">${tasks.map(t => html`<${Row} key=${t.id} task=${t} now=${now} />`)}</tbody></table>`
}

/** @param {{task: any, now: number}} props */
function Row({ task: t, now }) {
  const started = millis(t.started_at)
  const ended = millis(t.completed_at)
  const at = t.steps.at(-1)
  const done = t.steps.filter((/** @type {any} */ s) => s.state === 'completed' || s.state === 'compensated').length
  const open = () => navigate(`/ui/tasks/${encodeURIComponent(t.id)}`)
  return html`<tr role="row" onClick=${(/** @type {any} */ e) => e.target.closest('a') || String(getSelection()) || open()}>
    <td role="cell" class="c-state"><${State} state=${t.state} /></td>
    <td role="cell" class="c-task"><a class="go" href=${`/ui/tasks/${encodeURIComponent(t.id)}`}><strong>${t.type}</strong> <code>${t.id}</code></a>
      ${t.error && html`<span class="error-text one">${t.error}</span>`}</td>
    <td role="cell" class="c-service">${t.service ?? ''}</td>
    <td role="cell" class="c-steps">${t.steps.length > 0 && html`<span title=${at?.path}>${done}/${t.steps.length}</span>`}</td>
    <td role="cell" class="c-took">${Number.isNaN(started) ? '' : duration(Math.max(0, (Number.isNaN(ended) ? now : ended) - started))}</td>
    <td role="cell" class="c-created"><${Time} at=${t.created_at} ago now=${now} /></td></tr>`
}

/** j and k go from task to task, / to the search; only while the list or nothing has the focus. @param {{current: HTMLElement | null}} table */
function useKeys(table) {
  useEffect(() => {
    const key = (/** @type {KeyboardEvent} */ e) => {
      const at = /** @type {HTMLElement} */ (e.target)
      const ours = at === document.body || at.id === 'main' || table.current?.contains(at)
      if (e.metaKey || e.ctrlKey || e.altKey || !ours || document.querySelector('dialog[open]')) return
      if (e.key === '/') {
        e.preventDefault()
        document.getElementById('search')?.focus()
      }
      if (e.key !== 'j' && e.key !== 'k') return
      const links = [.../** @type {NodeListOf<HTMLElement>} */ (table.current?.querySelectorAll('a.go') ?? [])]
      const here = links.indexOf(/** @type {HTMLElement} */ (document.activeElement))
      links[Math.min(links.length - 1, Math.max(0, here + (e.key === 'j' ? 1 : -1)))]?.focus()
    }
    addEventListener('keydown', key)
    return () => removeEventListener('keydown', key)
  }, [])
}
