// Draws the steps of a definition: lists in lists, so that a screen reader and a phone have the same diagram.
import { html } from './html.js'
import { Value } from './value.js'
import { tree } from './tree.js'
import { duration, word } from './text.js'

/** @param {unknown} seconds a number, or an expression */
const time = seconds => (typeof seconds === 'number' ? duration(seconds * 1000) : word(seconds))

/** Of each type of steps: its sign, its name, and what is said of one. @type {Record<string, {sign: string, word: string, says: (s: any) => any}>} */
const types = {
  activity: { sign: '▪', word: 'Activity', says: s => html`<code>${s.activity?.type}</code>` },
  parallel: { sign: '⇉', word: 'Side by side', says: s => `${s.parallel_steps?.length ?? 0} branches` },
  condition: { sign: '◇', word: 'Condition', says: s => html`<code>${s.condition?.expression}</code>` },
  loop: { sign: '⟳', word: 'Loop', says: s => html`<code>${s.loop?.item_variable}</code> of <code>${typeof s.loop?.collection === 'string' ? s.loop.collection : `${s.loop?.collection?.length ?? 0} items`}</code>${s.loop?.concurrency > 1 && `, ${word(s.loop.concurrency)} at a time`}` },
  wait_signal: { sign: '✉', word: 'Wait for a signal', says: s => html`<code>${s.wait?.signal_name}</code>${s.wait?.timeout_seconds && `, for ${time(s.wait.timeout_seconds)}`}` },
  wait_timer: { sign: '◷', word: 'Wait', says: s => (typeof s.wait_timer?.seconds === 'number' ? time(s.wait_timer.seconds) : html`<code>${s.wait_timer?.seconds}</code> seconds`) },
  human_task: { sign: '☺', word: 'Human task', says: s => html`${s.human_task?.title} <span class="muted">by ${s.human_task?.assignee_role ?? 'owner'}, for ${time(s.human_task?.timeout_seconds ?? 86400)}</span>` },
  child_workflow: { sign: '❐', word: 'Child', says: s => html`starts <a href=${`/ui/workflows/${encodeURIComponent(String(s.child_workflow?.workflow_id))}`}>${s.child_workflow?.workflow_id}</a>` },
  terminate: { sign: '■', word: 'End', says: s => html`${s.terminate?.outcome === 'failed' ? 'undoes it all' : 'ends it well'}${s.terminate?.reason && `: ${word(s.terminate.reason)}`}` },
}

/** @param {{definition: any, name: string}} props */
export function Diagram({ definition, name }) {
  const { main, undo } = tree(definition)
  const { trigger } = definition
  return html`<div class="diagram">
    <p class="begin">${definition.name && html`<strong>${word(definition.name)}</strong> `}<span class="muted">begins by ${word(trigger?.type ?? 'api_call').replaceAll('_', ' ')}</span>
      ${trigger?.cron && html` <code>${trigger.cron}</code>`}${trigger?.entity && html` <code>${trigger.entity}</code>`}${trigger?.signal_name && html` <code>${trigger.signal_name}</code>`}</p>
    ${definition.description && html`<p>${word(definition.description)}</p>`}
    <${Flow} nodes=${main} label="Steps, in their order" />
    ${undo.length > 0 && html`<h3 class="undo-head"><span aria-hidden="true">↩ </span>Runs last, whenever it is undone</h3><${Flow} nodes=${undo} label="Steps that run last when it is undone" />`}
    ${definition.input_schema && html`<${Value} label="Schema of the input" value=${definition.input_schema} name=${`${name}-input`} />`}
    <${Value} label="The whole definition" value=${definition} name=${name} /></div>`
}

/** @param {{nodes: import('./tree.js').Node[], label?: string}} props */
const Flow = ({ nodes, label }) => html`<ol class="flow" aria-label=${label}>${nodes.map(n => html`<${Step} key=${n.step.id} node=${n} />`)}</ol>`

/** @param {{node: import('./tree.js').Node}} props */
function Step({ node: { step, lanes, undo } }) {
  const type = Object.hasOwn(types, step.type) ? types[step.type] : { sign: '?', word: String(step.type), says: () => '' }
  return html`<li class=${`t-${Object.hasOwn(types, step.type) ? step.type : 'other'}`} data-step=${step.id}>
    <div class="node"><span class="sign" aria-hidden="true">${type.sign}</span>
      <div><strong>${step.id}</strong> <span class="kind">${type.word}</span>
        ${step.name && html`<span class="fact">${word(step.name)}</span>`}<span class="fact">${type.says(step)}</span>
        ${undo.length > 0 && html`<span class="fact undone-by"><span aria-hidden="true">↩ </span>undone ${undo[0] === 'by the engine' ? '' : 'by '}${undo.join(', then ')}</span>`}
        ${step.irreversible && html`<span class="fact final"><span aria-hidden="true">≠ </span>cannot be undone</span>`}
        ${step.on_error === 'continue' && html`<span class="fact muted">goes on if it fails</span>`}</div></div>
    ${lanes.length > 0 && html`<ul class="ways">${lanes.map(lane => html`<li key=${lane.label}><span class="way">${lane.label}</span>
      ${lane.steps.length ? html`<${Flow} nodes=${lane.steps} label=${`${step.id}: ${lane.label}`} />` : html`<p class="muted small">goes on</p>`}</li>`)}</ul>`}</li>`
}
