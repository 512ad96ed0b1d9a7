// The tasks of a filter, kept up to date without moving what somebody looks at.
import { get, withQuery } from './api.js'
import { useEffect, useRef, useState } from './html.js'

const every = 4000 // ms between two looks
const page = 30 // tasks; the API sends each whole, with its input and output

/**
 * @typedef {{tasks: any[], next: string}} Found what a look has found
 * @typedef {{tasks: any[] | null, waiting: any[], found: Found | null, next: string, deep: boolean, problem: any, stale: boolean, at: number,
 *   busy: boolean}} List waiting are new tasks that are not shown yet, of found; deep tells that somebody has asked for older ones; stale
 *   that the last look failed
 */

/** @type {List} */
const nothing = { tasks: null, waiting: [], found: null, next: '', deep: false, problem: null, stale: false, at: 0, busy: false }

/**
 * @param {Record<string, string>} filter
 * @param {() => boolean} idle tells whether new tasks may be put above the others at once
 */
export function useList(filter, idle) {
  const [list, set] = useState(nothing)
  const now = useRef(list)
  now.current = list
  const [round, again] = useState(0)
  const key = JSON.stringify(filter)
  useEffect(() => {
    const stop = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    let busy = false
    set(before => ({ ...nothing, tasks: before.tasks, busy: true }))
    let first = true
    const look = async () => {
      clearTimeout(timer)
      if (busy || (document.hidden && !first)) return
      busy = true
      try {
        const found = await get(withQuery('/v1/tasks', { ...filter, limit: page }), stop.signal)
        if (stop.signal.aborted) return
        set(first ? { ...nothing, tasks: found.tasks, next: found.next ?? '', at: Date.now() } : merge(now.current, found, idle() && !now.current.busy))
        first = false
      } catch (problem) {
        if (stop.signal.aborted) return
        set(first ? { ...nothing, problem } : { ...now.current, stale: true })
      }
      busy = false
      timer = setTimeout(look, every)
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [key, round])
  const more = async () => {
    set(before => ({ ...before, busy: true }))
    try {
      const found = await get(withQuery('/v1/tasks', { ...filter, limit: page, cursor: list.next }))
      set(before => ({ ...before, tasks: join(before.tasks ?? [], found.tasks), next: found.next ?? '', deep: true, busy: false, problem: null }))
    } catch (problem) {
      set(before => ({ ...before, busy: false, problem }))
    }
  }
  const showNew = () => set(before => (before.found ? renew(before, before.found, join(before.waiting, before.tasks ?? [])) : before))
  return { ...list, more, showNew, again: () => again(n => n + 1) }
}

/** Both lists, each task once. @param {any[]} a @param {any[]} b */
function join(a, b) {
  const ids = new Set(a.map(t => t.id))
  return [...a, ...b.filter(t => !ids.has(t.id))]
}

/**
 * Puts what a look has found into what is shown: tasks that are there stay where they are, new ones wait unless nobody would lose
 * their place. Tasks that the filter leaves out by now stay until the list may move.
 * @param {List} before @param {{tasks: any[], next?: string}} answer @param {boolean} idle @returns {List}
 */
export function merge(before, answer, idle) {
  const found = { tasks: answer.tasks, next: answer.next ?? '' }
  const fresh = new Map(found.tasks.map(t => [t.id, t]))
  const shown = (before.tasks ?? []).map(t => fresh.get(t.id) ?? t)
  const known = new Set(shown.map(t => t.id))
  const after = { ...before, stale: false, problem: null, at: Date.now() }
  if (!idle) return { ...after, tasks: shown, waiting: found.tasks.filter(t => !known.has(t.id)), found }
  const oldest = found.tasks.at(-1)
  const beyond = found.next && oldest ? shown.filter(t => !fresh.has(t.id) && older(t, oldest)) : []
  return renew({ ...after, tasks: shown }, found, [...found.tasks, ...beyond])
}

/**
 * Moves the list to what was found: all of both where somebody has asked for older tasks. Where no task is in both, there may be
 * others between them, and what was found stands alone.
 * @param {List} before @param {Found} found @param {any[]} both @returns {List}
 */
function renew(before, found, both) {
  const known = new Set(before.tasks?.map(t => t.id))
  const deep = before.deep && both.length > found.tasks.length && found.tasks.some(t => known.has(t.id))
  return { ...before, waiting: [], found: null, deep, ...(deep ? { tasks: both } : found) }
}

/** @param {any} a @param {any} b */
const older = (a, b) => a.created_at < b.created_at || (a.created_at === b.created_at && a.id < b.id)
