// The workflows that are data.
import { get, withQuery } from './api.js'
import { html } from './html.js'
import { useRead } from './read.js'
import { Empty, Skeleton, State, Time, Trouble, useTitle } from './parts.js'

export function Workflows() {
  useTitle('Workflows')
  const { value, problem, again } = useRead(signal => get('/v1/workflows?limit=200', signal), [])
  return html`<h1>Workflows</h1><${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} />`}
    ${value && (value.versions.length ? html`<${Versions} versions=${value.versions} />` : html`<${Empty} title="No workflow has been deployed."><p class="muted">POST /v1/workflows deploys one.</p></${Empty}>`)}`
}

/** @param {{id: string, query: URLSearchParams}} props */
export function Workflow({ id, query }) {
  useTitle(id)
  const service = query.get('service') ?? ''
  const { value, problem, again } = useRead(signal => get(withQuery(`/v1/workflows/${encodeURIComponent(id)}`, { service }), signal), [id, service])
  return html`<p class="crumbs"><a href="/ui/workflows">Workflows</a></p><h1>${id}</h1><${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} />`}${value && html`<${Versions} versions=${value.versions} />`}`
}

/** @type {Record<string, string>} */
const states = { active: 'completed', draft: 'pending', deprecated: 'waiting', locked: 'cancelled' }

/** @param {{versions: any[]}} props */
function Versions({ versions }) {
  return html`<div class="scroll"><table class="list"><thead><tr><th scope="col">Workflow</th><th scope="col">Service</th><th scope="col">Version</th><th scope="col">State</th><th scope="col">Deployed</th></tr></thead>
    <tbody>${versions.map(v => html`<tr><td><a href=${withQuery(`/ui/workflows/${encodeURIComponent(v.workflow)}`, { service: v.service })}>${v.workflow}</a></td><td>${v.service ?? ''}</td>
      <td>${v.version}</td><td><${State} state=${states[v.state] ?? 'pending'} word=${v.state} /></td><td><${Time} at=${v.created_at} /> by ${v.by}</td></tr>`)}</tbody></table></div>`
}
