// Asks why before something is done that concerns more than one task.
import { html, useState } from './html.js'
import { about, Form, text, wrong } from './actions.js'
import { Field } from './parts.js'

/**
 * What is to be asked: a title, what the button says, and what is sent with the reason, which may be left out where it is optional
 * and is not asked for where it is bare. To send returns what is said when it is done.
 * @typedef {{title: string, button: string, says?: any, danger?: boolean, optional?: boolean, bare?: boolean, fields?: (problem: any) => any,
 *   send: (reason: string, form: FormData) => Promise<string>}} Question
 */

/** @param {{question: Question, onClose: () => void, onDone: (said: string) => void}} props */
function Because({ question: q, onClose, onDone }) {
  const send = async (/** @type {FormData} */ form) => {
    const reason = text(form, 'reason')
    if (!reason && !q.optional && !q.bare) throw wrong('/reason', 'Say why: it is kept, with your name.')
    onDone(await q.send(reason, form))
  }
  return html`<${Form} title=${q.title} button=${q.button} danger=${q.danger} send=${send} onClose=${onClose}>${(/** @type {any} */ problem) => html`
    ${q.says && html`<p>${q.says}</p>`}${q.fields?.(problem)}
    ${!q.bare && html`<${Field} label=${q.optional ? 'Why (you may leave it out)' : 'Why'} error=${about(problem, '/reason')}>${(/** @type {any} */ a) => html`<input name="reason" maxlength="2000" autofocus=${!q.fields} ...${a} />`}</${Field}>`}`}</${Form}>`
}

/**
 * Questions of a page, one at a time: ask opens one, dialog is drawn where it is asked, said where the answer is told.
 * @param {() => void} after is called when something was done
 */
export function useQuestions(after) {
  const [question, set] = useState(/** @type {Question | null} */ (null))
  const [said, say] = useState('')
  const done = (/** @type {string} */ text) => { set(null); say(text); after() }
  return {
    ask: (/** @type {Question} */ q) => { say(''); set(q) },
    dialog: question && html`<${Because} question=${question} onClose=${() => set(null)} onDone=${done} />`,
    said: html`<div role="status">${said && html`<p class="said">${said}</p>`}</div>`,
  }
}
