// Where the pages begin.
import { html, render, useEffect, useState } from './html.js'
import { useLocation } from './router.js'
import { load } from './session.js'
import { Frame } from './frame.js'
import { Empty, Trouble, useTitle } from './parts.js'
import { Overview } from './overview.js'
import { Tasks } from './tasks.js'
import { Task } from './task.js'
import { Workflows, Workflow } from './workflows.js'
import { Humans } from './human.js'
import { Webhooks } from './webhooks.js'
import { Login } from './login.js'

// The first that matches is the page; what is in brackets is its id.
const routes = [
  [/^\/ui\/$/, Overview],
  [/^\/ui\/tasks$/, Tasks],
  [/^\/ui\/tasks\/([^/]+)$/, Task],
  [/^\/ui\/workflows$/, Workflows],
  [/^\/ui\/workflows\/([^/]+)$/, Workflow],
  [/^\/ui\/human$/, Humans],
  [/^\/ui\/webhooks$/, Webhooks],
  [/^\/ui\/login$/, Login],
]

function Nowhere() {
  useTitle('No such page')
  return html`<${Empty} whole title="There is no such page."><p class="muted">The address may be misspelt, or of another release.</p>
    <p><a href="/ui/">Go to the overview</a></p></${Empty}>`
}

/** The id in a path. One that is not well escaped is nobody's. @param {string} escaped */
function unescaped(escaped) {
  try {
    return decodeURIComponent(escaped)
  } catch {
    return escaped
  }
}

function App() {
  const { path, query } = useLocation()
  const [problem, set] = useState(/** @type {any} */ (null))
  const ask = () => { set(null); load().catch(set) }
  useEffect(ask, [])
  const [route, Page] = /** @type {[RegExp, any]} */ (routes.find(([route]) => /** @type {RegExp} */ (route).test(path)) ?? [/^/, Nowhere])
  const id = unescaped(route.exec(path)?.[1] ?? '')
  return html`<${Frame} path=${path}><${Trouble} problem=${problem} again=${ask} />
    <${Page} key=${path} id=${id} query=${query} /></${Frame}>`
}

render(html`<${App} />`, /** @type {Element} */ (document.getElementById('app')))
