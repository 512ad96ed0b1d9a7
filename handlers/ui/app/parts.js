// The pieces that pages are made of.
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from './html.js'
import { moment, relative } from './text.js'

/** The states of tasks and steps: a sign and a word beside the colour. @type {Record<string, {sign: string, word: string}>} */
const states = {
  pending: { sign: '○', word: 'Pending' },
  running: { sign: '▶', word: 'Running' },
  waiting: { sign: '◷', word: 'Waiting' },
  compensating: { sign: '↩', word: 'Compensating' },
  compensated: { sign: '↩', word: 'Undone' },
  stuck: { sign: '!', word: 'Stuck' },
  completed: { sign: '✓', word: 'Completed' },
  failed: { sign: '✕', word: 'Failed' },
  cancelled: { sign: '⊘', word: 'Cancelled' },
  not_undone: { sign: '≠', word: 'Not undone' },
}

/** @param {string} state */
export const stateWord = state => states[state]?.word ?? state

/** @param {{state: string, word?: string, big?: boolean}} props */
export function State({ state, word, big }) {
  const known = states[state] ?? { sign: '?', word: state }
  return html`<span class=${`state s-${states[state] ? state : 'pending'}${big ? ' big' : ''}`}><span class="sign" aria-hidden="true">${known.sign}</span>${word ?? known.word}</span>`
}

/** The time, and how long ago that is. @param {{at: string | number | undefined, ago?: boolean, now?: number}} props */
export function Time({ at, ago, now }) {
  if (!at) return null
  const date = new Date(at)
  const full = Number.isNaN(date.getTime()) ? '' : date.toISOString()
  return html`<time datetime=${full} title=${date.toString()}>${ago ? relative(date.getTime(), now ?? Date.now()) : moment(at)}</time>`
}

/** The clock, for what is shown beside it, every so many milliseconds. @param {number} every @param {boolean} [on] */
export function useNow(every, on = true) {
  const [now, set] = useState(Date.now())
  useEffect(() => {
    if (!on) return undefined
    set(Date.now())
    const timer = setInterval(() => document.hidden || set(Date.now()), every)
    return () => clearInterval(timer)
  }, [every, on])
  return now
}

/** What went wrong, and where. @param {{problem: any, again?: () => void}} props */
export function Trouble({ problem, again }) {
  if (!problem) return null
  return html`<div class="trouble" role="alert">
    <p><strong>${String(problem.title || 'Something went wrong')}</strong> ${String(problem.message)}</p>
    ${problem.errors?.length > 0 && html`<ul>${problem.errors.map((/** @type {any} */ e) => html`<li><code>${e.pointer ?? e.parameter ?? e.header ?? ''}</code> ${e.detail}</li>`)}</ul>`}
    ${problem.requestID && html`<p class="muted small">Request ${problem.requestID}</p>`}
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
  </div>`
}

/** Says that there is nothing; whole, where that is all there is to say on the page. @param {{title: string, whole?: boolean, children?: any}} props */
export const Empty = ({ title, whole, children }) => html`<div class="empty">${whole ? html`<h1>${title}</h1>` : html`<p class="lead">${title}</p>`}${children}</div>`

/** Lines that stand for what is on its way. @param {{lines?: number, label?: string}} props */
export function Skeleton({ lines = 6, label = 'Loading' }) {
  return html`<div class="skeleton" role="status"><span class="sr">${label} …</span>
    ${Array.from({ length: lines }, () => html`<span class="bone" aria-hidden="true"></span>`)}</div>`
}

/**
 * A dialog that is open for as long as it is drawn. Focus goes into it, and back to where it was.
 * @param {{title: string, onClose: () => void, children?: any}} props
 */
export function Dialog({ title, onClose, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null))
  const id = useId()
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement)
    const dialog = ref.current
    dialog?.showModal()
    return () => {
      dialog?.close() // or nothing else could have the focus
      ;(before?.isConnected ? before : document.getElementById('main'))?.focus()
    }
  }, [])
  return html`<dialog ref=${ref} aria-labelledby=${id} onCancel=${(/** @type {Event} */ e) => { e.preventDefault(); onClose() }}>
    <div class="sheet"><h2 id=${id}>${title}</h2>${children}</div></dialog>`
}

/**
 * A labelled field, with what is wrong with it.
 * @param {{label: string, hint?: string, error?: string, children: (attributes: object) => any}} props children draws the control
 */
export function Field({ label, hint, error, children }) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return html`<div class="field"><label for=${id}>${label}</label>
    ${children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? 'true' : undefined })}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="wrong" role="alert" id=${`${id}-error`}>${error}</p>`}</div>`
}

/** Copies a text. @param {{text: string, label: string}} props */
export function Copy({ text, label }) {
  const [done, set] = useState(false)
  const copy = () => navigator.clipboard?.writeText(text).then(() => { set(true); setTimeout(() => set(false), 1500) }, () => {})
  return html`<button type="button" class="quiet small" aria-label=${label} onClick=${copy}>${done ? 'Copied' : 'Copy'}</button>`
}

/** The title of the tab. @param {string} title */
export function useTitle(title) {
  useEffect(() => { document.title = `${title} · osp` }, [title])
}
