// The last hour by the minute, as bars, and as a table for those who read it.
import { html, useState } from './html.js'
import { clock } from './text.js'

const height = 100
const step = 10 // a minute's width; the bar takes most of it

/** How an ended task is called, from the bottom of a bar to its top. */
const kinds = [['completed', 'completed'], ['cancelled', 'cancelled'], ['failed', 'failed']]

/** @param {{minutes: any[]}} props */
export function Chart({ minutes }) {
  const ended = minutes.map(m => m.completed + m.failed + m.cancelled)
  const busiest = Math.max(0, ...ended)
  const sum = (/** @type {string} */ kind) => minutes.reduce((n, m) => n + m[kind], 0)
  const told = kinds.map(([kind, word]) => `${sum(kind).toLocaleString()} ${word}`).join(', ')
  return html`<div class="chart"><ul class="legend">${kinds.map(([kind, word]) => html`<li class=${`k-${kind}`}><b>${sum(kind).toLocaleString()}</b> ${word}</li>`)}
      <li><b>${sum('started').toLocaleString()}</b> started</li><li class="top">at most ${busiest.toLocaleString()} ended in a minute</li></ul>
    <svg viewBox=${`0 0 ${Math.max(1, minutes.length) * step} ${height}`} preserveAspectRatio="none" role="img" aria-label=${`Tasks that ended in the last hour: ${told}; at most ${busiest} in a minute.`}>
      ${minutes.map((m, i) => html`<${Bar} key=${m.at} minute=${m} x=${i * step} scale=${height / Math.max(1, busiest)} />`)}</svg>
    <p class="hours muted small" aria-hidden="true"><span>${minutes.length ? clock(minutes[0].at) : ''}</span><span>now</span></p>
    <${Table} minutes=${minutes} /></div>`
}

/** @param {{minute: any, x: number, scale: number}} props */
function Bar({ minute: m, x, scale }) {
  let y = height
  const parts = kinds.filter(([kind]) => m[kind] > 0).map(([kind]) => {
    const tall = Math.max(2, m[kind] * scale)
    y -= tall
    return html`<rect class=${`k-${kind}`} x=${x + 1} y=${Math.max(0, y)} width=${step - 2} height=${tall} />`
  })
  return html`<g><title>${`${clock(m.at)}: ${kinds.map(([kind, word]) => `${m[kind]} ${word}`).join(', ')}, ${m.started} started`}</title>
    <rect class="none" x=${x} y="0" width=${step} height=${height} />${parts}</g>`
}

/** @param {{minutes: any[]}} props */
function Table({ minutes }) {
  const [open, set] = useState(false)
  const busy = minutes.filter(m => m.started + m.completed + m.failed + m.cancelled > 0).reverse()
  return html`<details class="more-of" onToggle=${(/** @type {any} */ e) => set(e.currentTarget.open)}><summary>As a table</summary>
    ${open && (busy.length ? html`<div class="scroll short" tabindex="0" role="region" aria-label="The last hour by the minute"><table class="list numbers"><thead><tr>${['Minute', 'Started', 'Completed', 'Failed', 'Cancelled'].map(name => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${busy.map(m => html`<tr key=${m.at}><th scope="row">${clock(m.at)}</th><td>${m.started}</td><td>${m.completed}</td><td>${m.failed}</td><td>${m.cancelled}</td></tr>`)}</tbody></table></div>`
    : html`<p class="muted">Nothing was counted in the last hour.</p>`)}</details>`
}
