// What people and others have said to a task: signals, cancels, an operator's word.
import { html } from './html.js'
import { Time } from './parts.js'
import { Value } from './value.js'
import { count, word } from './text.js'

/** @type {Record<string, (m: import('./record.js').Mark) => any>} */
const words = {
  cancel: m => html`${m.by} asked to cancel it${because(m)}`,
  signal: m => (m.signal?.startsWith('human.') ? html`${m.by} answered <code>${m.signal.slice(6)}</code>${typeof m.data?.outcome === 'string' ? `: ${m.data.outcome}` : ''}`
    : html`${m.by || 'Somebody'} sent the signal <code>${m.signal}</code>`),
  resolved: m => html`${m.by} decided about <code>${m.step}</code>: <strong>${m.action}</strong>${because(m)}`,
  compensation_started: m => html`Compensation began${because(m)}`,
  undo_requested: m => html`Its parent asked for its undo${because(m)}`,
  recovered: () => 'Its journal was lost, and made again from the result store',
  stuck: () => 'It got stuck',
  decided: m => (Array.isArray(m.data) ? html`The loop <code>${m.step}</code> has ${count(m.data.length, 'item')}`
    : html`The condition <code>${m.step}</code> ${m.data < 0 ? 'chose nothing' : `chose its branch ${Number(m.data) + 1}`}`),
}

/** @param {import('./record.js').Mark} m */
const because = m => (m.reason ? html`: ${word(m.reason)}` : '')

/** @param {{marks: import('./record.js').Mark[], by: string}} props */
export function Marks({ marks }) {
  if (!marks.length) return null
  const shown = marks.slice(-200)
  return html`<section class="marks" aria-labelledby="marks"><h2 id="marks">What happened</h2>
    ${shown.length < marks.length && html`<p class="muted small">The last ${shown.length} of ${marks.length}.</p>`}
    <ol>${shown.map((m, i) => html`<li key=${marks.length - shown.length + i}><${Time} at=${m.at} /> <span>${words[m.kind]?.(m) ?? m.kind}</span>
      ${m.data !== null && typeof m.data !== 'number' && html`<${Value} label=${m.kind === 'signal' ? 'Payload' : 'Value'} value=${m.data} name=${m.signal || m.step || 'value'} />`}</li>`)}</ol></section>`
}
