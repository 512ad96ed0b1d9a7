// The workflows that are data, and the types that are built in.
import { get, withQuery } from './api.js'
import { html, useState } from './html.js'
import { useRead } from './read.js'
import { Empty, Skeleton, State, Time, Trouble, useTitle } from './parts.js'
import { Value } from './value.js'

export { Workflow } from './workflow.js'

/** The address of a workflow's page. @param {any} v */
const page = v => withQuery(`/ui/workflows/${encodeURIComponent(v.workflow)}`, { service: v.service })

export function Workflows() {
  useTitle('Workflows')
  const [more, setMore] = useState(/** @type {{versions: any[], next: string, problem?: any} | null} */ (null))
  const { value, problem, again } = useRead(signal => get('/v1/workflows?limit=100', signal), [])
  const types = useRead(signal => get('/v1/types', signal), [])
  const next = more ? more.next : value?.next
  const load = async () => {
    const before = more?.versions ?? []
    try {
      const found = await get(withQuery('/v1/workflows', { limit: 100, cursor: next }))
      setMore({ versions: [...before, ...found.versions], next: found.next ?? '' })
    } catch (failed) {
      setMore({ versions: before, next, problem: failed })
    }
  }
  const versions = [...(value?.versions ?? []), ...(more?.versions ?? [])]
  return html`<h1>Workflows</h1><${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} label="Loading the workflows" />`}
    ${value && (versions.length ? html`<${List} versions=${versions} />` : html`<${Empty} title="No workflow has been deployed."><p class="muted">POST /v1/workflows, or <code>osp workflow deploy</code>, deploys one.</p></${Empty}>`)}
    <${Trouble} problem=${more?.problem} />
    ${next && html`<p class="more"><button type="button" onClick=${load}>Show more</button></p>`}
    <section class="card" aria-labelledby="types"><h2 id="types">Types that are built in</h2>
      <${Trouble} problem=${types.problem} again=${types.again} />${!types.value && !types.problem && html`<${Skeleton} lines=${3} label="Loading the types" />`}
      <ul class="latest">${(types.value?.types ?? []).map((/** @type {any} */ t) => html`<li key=${t.name}><div><strong>${t.name}</strong> ${access[t.access] && html`<span class="muted small">${access[t.access]}</span>`}
        <span class="by">${t.description}</span><${Value} label="Schema of the input" value=${t.input_schema} name=${`${t.name}-input`} /></div></li>`)}</ul></section>`
}

/** Who may start a type, where not everybody may. @type {Record<string, string>} */
const access = { unbound: 'not for keys of one service', privileged: 'for unbound keys only' }

/** @type {Record<string, string>} */
const states = { active: 'completed', draft: 'pending', deprecated: 'waiting', locked: 'cancelled' }

/** The state of a version. @param {{state: string}} props */
export const VersionState = ({ state }) => html`<${State} state=${states[state] ?? 'pending'} word=${state} />`

/** @param {{versions: any[]}} props */
const List = ({ versions }) => html`<div class="scroll" tabindex="0" role="region" aria-label="Workflows"><table class="list numbers"><thead><tr><th scope="col">Workflow</th><th scope="col">Service</th><th scope="col">Version</th><th scope="col" class="less">Deployed</th></tr></thead>
  <tbody>${versions.map(v => html`<tr key=${`${v.service ?? ''}/${v.workflow}`}><th scope="row"><a href=${page(v)}>${v.workflow}</a></th><td>${v.service ? v.service : html`<span class="muted">platform</span>`}</td>
    <td><${VersionState} state=${v.state} /> ${v.version}</td><td class="less"><${Time} at=${v.created_at} /> <span class="muted">by ${v.by}</span></td></tr>`)}</tbody></table></div>`
