// Shows a JSON value, folded. A large one is shown in parts, so that it holds nothing up.
import { html, useMemo, useState } from './html.js'
import { bytes, pretty } from './text.js'
import { Copy } from './parts.js'

const first = 4000 // characters that are shown at once
const more = 60000 // and with each further wish

/** @param {{label: string, value: any, name: string, open?: boolean}} props name is the file's that it is saved as */
export function Value({ label, value, name, open }) {
  const [opened, set] = useState(Boolean(open))
  if (value === undefined) return null
  return html`<details class="value" open=${opened} onToggle=${(/** @type {any} */ e) => set(e.currentTarget.open)}>
    <summary>${label}${brief(value)}</summary>${opened && html`<${Text} value=${value} name=${name} label=${label} />`}</details>`
}

/** What can be said of a value in the line that is folded. @param {any} value */
function brief(value) {
  if (value === null || typeof value !== 'object' || value instanceof String) {
    const text = pretty(value)
    return html` <code class="brief">${text.length > 60 ? `${text.slice(0, 60)}…` : text}</code>`
  }
  const n = Array.isArray(value) ? value.length : Object.keys(value).length
  return html` <span class="muted small">${Array.isArray(value) ? `list of ${n}` : `${n} member${n === 1 ? '' : 's'}`}</span>`
}

/** @param {{value: any, name: string, label: string}} props */
function Text({ value, name, label }) {
  const text = useMemo(() => (typeof value === 'string' && value.length > 200 ? value : pretty(value)), [value])
  const [shown, set] = useState(first)
  const parts = []
  for (let at = 0; at < Math.min(shown, text.length); at += more) parts.push(text.slice(at, Math.min(at + more, shown, text.length)))
  const save = () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    link.download = `${name.replace(/[^A-Za-z0-9._-]+/g, '-')}.json`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }
  return html`<div class="text"><div class="tools"><${Copy} text=${text} label=${`Copy ${label}`} />
      <button type="button" class="quiet small" aria-label=${`Save ${label}`} onClick=${save}>Save</button></div>
    <div class="scroll" tabindex="0" role="region" aria-label=${label}>${parts.map(part => html`<pre>${part}</pre>`)}</div>
    ${shown < text.length && html`<p class="rest"><span>${bytes(shown)} of ${bytes(text.length)} are shown.</span>
      <button type="button" class="small" onClick=${() => set(shown + more)}>Show more</button></p>`}</div>`
}
