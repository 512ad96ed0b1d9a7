// The human tasks that the signed-in person may answer.
import { get } from './api.js'
import { html, useState } from './html.js'
import { useRead } from './read.js'
import { Empty, Skeleton, Time, Trouble, useTitle } from './parts.js'
import { Answer } from './actions.js'

export function Humans() {
  useTitle('Human tasks')
  const { value, problem, again } = useRead(signal => get('/v1/human-tasks?limit=100', signal), [], 10000)
  const [asked, ask] = useState(/** @type {any} */ (null))
  const [said, say] = useState('')
  const done = (/** @type {string} */ text) => { ask(null); say(text); again() }
  return html`<h1>Human tasks</h1><p class="muted">What waits for an answer that you may give, the longest waiting first.</p>
    ${said && html`<p class="said" role="status">${said}</p>`}<${Trouble} problem=${problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} />`}
    ${value && (value.human_tasks.length ? html`<ul class="inbox">${value.human_tasks.map((/** @type {any} */ h) => html`<li key=${`${h.task} ${h.step}`}>
      <div><strong>${h.title || h.step}</strong>${h.description && html`<p>${h.description}</p>`}
        <p class="muted small">${h.service ? `${h.service} · ` : ''}for ${h.roles.join(' or ')} · since <${Time} at=${h.since} />${h.due_at && html` · until <${Time} at=${h.due_at} />`} · <a href=${`/ui/tasks/${encodeURIComponent(h.task)}`}>its task</a></p></div>
      <button type="button" class="primary" aria-label=${`Answer ${h.title || h.step}`} onClick=${() => ask(h)}>Answer …</button></li>`)}</ul>`
    : html`<${Empty} title="Nothing waits for you." />`)}
    ${asked && html`<${Answer} task=${asked.task} step=${asked.step} human=${asked} onClose=${() => ask(null)} onDone=${done} />`}`
}
