// Where osp tells of tasks, and how that went.
import { call, get, post, taskPath, withQuery } from './api.js'
import { html, useState } from './html.js'
import { useRead } from './read.js'
import { Empty, Skeleton, State, Time, Trouble, useTitle } from './parts.js'
import { useQuestions } from './because.js'

export function Webhooks() {
  useTitle('Webhooks')
  const { value, problem, again } = useRead(signal => get('/v1/webhooks?limit=100', signal), [], 10000)
  const { ask, dialog, said } = useQuestions(again)
  return html`<h1>Webhooks</h1>${said}<${Trouble} problem=${value ? null : problem} again=${again} />
    ${!value && !problem && html`<${Skeleton} label="Loading the webhooks" />`}
    ${value?.webhooks.length === 0 && html`<${Empty} title="Nobody is told of tasks."><p class="muted">POST /v1/webhooks registers a webhook.</p></${Empty}>`}
    ${value?.webhooks.map((/** @type {any} */ w) => html`<${Webhook} key=${w.id} webhook=${w} ask=${ask} />`)}
    ${value?.next && html`<p class="muted">The first ${value.webhooks.length}. GET /v1/webhooks lists them all.</p>`}${dialog}`
}

/** @param {{webhook: any, ask: (q: import('./because.js').Question) => void}} props */
function Webhook({ webhook: w, ask }) {
  const [open, set] = useState(false)
  const path = `/v1/webhooks/${encodeURIComponent(w.id)}`
  const turn = () => ask({
    title: w.enabled ? 'Disable this webhook?' : 'Enable this webhook again?', button: w.enabled ? 'Disable' : 'Enable', danger: w.enabled,
    says: w.enabled ? 'It is told nothing more, and what waits to be delivered ends.' : 'It is told of what happens from now on.',
    send: async reason => {
      await call('PATCH', path, { body: { enabled: !w.enabled, reason } })
      return w.enabled ? 'The webhook is disabled.' : 'The webhook is enabled.'
    },
  })
  const test = () => ask({
    title: 'Send a test?', button: 'Send', says: html`A message <code>webhook.test</code> goes to <code>${w.url}</code>.`, bare: true,
    send: async () => {
      await post(`${path}/test`)
      return 'The test is on its way: see the deliveries.'
    },
  })
  return html`<section class="card webhook" aria-label=${w.url}><div class="headed"><h2>${w.url}</h2>
      <span class="acts"><button type="button" class="small" aria-label=${`Send a test to ${w.url}`} onClick=${test}>Test …</button><button type="button" class="small" aria-label=${`${w.enabled ? 'Disable' : 'Enable'} ${w.url}`} onClick=${turn}>${w.enabled ? 'Disable …' : 'Enable …'}</button></span></div>
    <p><${State} state=${w.enabled ? 'completed' : 'cancelled'} word=${w.enabled ? 'Enabled' : 'Disabled'} /> <span class="muted">by ${w.by}, <${Time} at=${w.changed_at} /></span>${w.reason && html`<span class="quote">${w.reason}</span>`}</p>
    <p class="muted small">Tells of ${w.events.join(', ')}${w.types?.length > 0 && ` · of the types ${w.types.join(', ')}`} · ${w.service ? `service ${w.service}` : 'all services'} · secret ${w.secret_name}</p>
    <details class="more-of" onToggle=${(/** @type {any} */ e) => set(e.currentTarget.open)}><summary>Deliveries</summary>${open && html`<${Deliveries} path=${path} ask=${ask} />`}</details></section>`
}

/** @param {{path: string, ask: (q: import('./because.js').Question) => void}} props */
function Deliveries({ path, ask }) {
  const { value, problem, again } = useRead(signal => get(withQuery(`${path}/deliveries`, { limit: 20 }), signal), [path], 5000)
  if (!value) return problem ? html`<${Trouble} problem=${problem} again=${again} />` : html`<${Skeleton} lines=${3} label="Loading the deliveries" />`
  if (!value.tasks.length) return html`<p class="muted">Nothing has been delivered.</p>`
  const resend = (/** @type {any} */ t) => ask({
    title: 'Send this once more?', button: 'Send again', optional: true, says: 'With the same webhook-id, so that a receiver knows it from something new.',
    send: async reason => {
      await post(`${taskPath(t.id)}/retry`, reason ? { reason } : undefined)
      again()
      return 'It is sent once more.'
    },
  })
  return html`<ul class="latest">${value.tasks.map((/** @type {any} */ t) => html`<li key=${t.id}><${State} state=${t.state} />
    <div><a href=${`/ui/tasks/${encodeURIComponent(t.id)}`}><strong>${t.input?.event ?? 'delivery'}</strong></a>${t.input?.task && html` of <a href=${`/ui/tasks/${encodeURIComponent(t.input.task)}`}><code>${t.input.task}</code></a>`}
      <span class="by muted small"><${Time} at=${t.created_at} />${t.steps?.[0]?.attempts > 1 && `, ${t.steps[0].attempts} attempts`}${t.steps?.[0]?.next_attempt_at && html`, again <${Time} at=${t.steps[0].next_attempt_at} />`}</span>
      ${(t.error || t.steps?.[0]?.error) && html`<span class="error-text">${t.error || t.steps[0].error}</span>`}</div>
    ${['completed', 'failed', 'cancelled'].includes(t.state) && html`<button type="button" class="small" aria-label=${`Send again: ${t.id}`} onClick=${() => resend(t)}>Send again …</button>`}</li>`)}</ul>`
}
