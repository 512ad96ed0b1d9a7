// What stands around every page: the navigation, and who is signed in.
import { html, useEffect, useRef } from './html.js'
import { bound, may, signOut, useSession } from './session.js'

// Of each its path, its name, what its paths are like, and the role that it is for.
/** @type {[string, string, RegExp, 'reader' | 'starter' | 'operator'][]} */
const places = [
  ['/ui/', 'Overview', /^\/ui\/$/, 'reader'], ['/ui/tasks', 'Tasks', /^\/ui\/tasks/, 'reader'], ['/ui/workflows', 'Workflows', /^\/ui\/workflows/, 'reader'],
  ['/ui/human', 'Human tasks', /^\/ui\/human/, 'starter'], ['/ui/webhooks', 'Webhooks', /^\/ui\/webhooks/, 'operator'],
]

/** @param {{path: string, children?: any}} props */
export function Frame({ path, children }) {
  const session = useSession()
  const main = useRef(/** @type {HTMLElement | null} */ (null))
  const first = useRef(true)
  useEffect(() => { // a screen reader begins at the new page, as after a load
    if (first.current) first.current = false
    else main.current?.focus()
  }, [path])
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header class="bar">
      <a class="brand" href="/ui/"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M9 16a7 7 0 1 1 2.1 5M8.5 24.5l2.3-4 4 1.7" /></svg>osp</a>
      ${(!session || session.open || session.signed_in) && html`<nav aria-label="Pages">${places.filter(place => place[3] === 'reader' || may(session, place[3])).map(([to, name, here]) => html`<a href=${to} aria-current=${here.test(path) ? 'page' : undefined}>${name}</a>`)}
        ${!bound(session) && html`<a href="/monitor/" class="away">Monitor</a>`}</nav>`}
      ${session && html`<div class="who">${session.signed_in
    ? html`<span title=${`Role: ${session.role}`}>${session.name}</span><button type="button" class="quiet" onClick=${() => signOut().catch(() => location.reload())}>Sign out</button>`
    : session.open && html`<span class="muted" title="Anybody who reaches this server may do everything.">open, no login</span>`}</div>`}
    </header>
    <main id="main" tabindex="-1" ref=${main}>${children}</main>`
}
