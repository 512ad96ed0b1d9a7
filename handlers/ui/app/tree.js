// The tree of a definition: which steps follow one another, and which stand in others.

/**
 * @typedef {{label: string, steps: Node[]}} Lane
 * @typedef {{step: any, lanes: Lane[], undo: string[]}} Node
 */

/** The lists of steps that a step has, each with what it is for. @type {Record<string, (s: any) => [string, any][]>} */
const lists = {
  parallel: s => (s.parallel_steps ?? []).map((/** @type {any} */ branch, /** @type {number} */ i) => [`Branch ${i + 1}`, [branch].flat()]),
  condition: s => [['If so', s.condition?.true_steps], ['Otherwise', s.condition?.false_steps]],
  loop: s => [['For each item', s.loop?.steps]],
  wait_signal: s => [['No signal in time', s.wait?.timeout_steps]],
  human_task: s => [['Rejected', s.human_task?.rejected_steps], ['No answer in time', s.human_task?.timeout_steps], ['Escalated', s.human_task?.escalation?.steps]],
}

/** @param {any} step @returns {[string, any][]} */
const listsOf = step => (Object.hasOwn(lists, step.type) ? lists[step.type](step) : []).filter(([, ids]) => Array.isArray(ids))

/**
 * The main sequence, and the steps that undo all. A definition is held to its structure when it is deployed; here, a name that is not
 * there or stands in itself is left out.
 * @param {any} definition @returns {{main: Node[], undo: Node[]}}
 */
export function tree(definition) {
  const all = Array.isArray(definition?.steps) ? definition.steps : []
  /** @type {Map<string, any>} */
  const byID = new Map(all.map((/** @type {any} */ s) => [s.id, s]))
  const owned = new Set((definition?.compensation_steps ?? []))
  for (const step of all) {
    for (const [, ids] of listsOf(step)) ids.forEach((/** @type {string} */ id) => owned.add(id))
    for (const id of step.compensation_steps ?? []) owned.add(id)
  }
  const drawn = new Set()
  /** @param {any} ids @returns {Node[]} */
  const grow = ids => [ids ?? []].flat().flatMap(id => {
    const step = byID.get(id)
    if (!step || drawn.has(id)) return []
    drawn.add(id)
    return [{ step, lanes: listsOf(step).map(([label, inner]) => ({ label, steps: grow(inner) })), undo: undoOf(step, byID) }]
  })
  return { main: grow(chain(all.filter((/** @type {any} */ s) => !owned.has(s.id)), byID)), undo: grow(definition?.compensation_steps) }
}

/** The steps that no list names, in their order: along next, if any has one, else as they stand. @param {any[]} free @param {Map<string, any>} byID */
function chain(free, byID) {
  if (!free.some(s => s.next)) return free.map(s => s.id)
  const ids = new Set()
  for (let s = free[0]; s && !ids.has(s.id); s = byID.get(s.next)) ids.add(s.id)
  return [...ids]
}

const byEngine = ['create_entity', 'update_entity', 'delete_entity']

/** What undoes a step, in words. @param {any} step @param {Map<string, any>} byID */
function undoOf(step, byID) {
  const undo = []
  if (step.compensate) undo.push(String(step.compensate.type))
  for (const id of step.compensation_steps ?? []) undo.push(`${id} (${byID.get(id)?.activity?.type ?? '?'})`)
  if (!undo.length && byEngine.includes(step.activity?.type)) undo.push('by the engine')
  return undo
}
