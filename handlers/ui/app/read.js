// Reads something of the API for as long as it is shown.
import { useEffect, useRef, useState } from './html.js'

/**
 * The value, or what is wrong. It is read again when an input changes, and, with every, every so many milliseconds for as long as
 * somebody looks; what was read stays until there is something new.
 * @param {(signal: AbortSignal) => Promise<any>} read
 * @param {unknown[]} inputs
 * @param {number} [every]
 * @returns {{value: any, problem: any, at: number, again: () => void}}
 */
export function useRead(read, inputs, every) {
  const [state, set] = useState({ value: /** @type {any} */ (null), problem: /** @type {any} */ (null), at: 0 })
  const [round, next] = useState(0)
  const fresh = useRef('')
  useEffect(() => {
    const key = JSON.stringify(inputs)
    if (fresh.current !== key) set({ value: null, problem: null, at: 0 })
    fresh.current = key
    const stop = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    let busy = false
    const look = async () => {
      clearTimeout(timer)
      if (busy || document.hidden) return
      busy = true
      try {
        const value = await read(stop.signal)
        if (!stop.signal.aborted) set({ value, problem: null, at: Date.now() })
      } catch (problem) {
        if (!stop.signal.aborted) set(before => ({ ...before, problem }))
      }
      busy = false
      if (every && !stop.signal.aborted) timer = setTimeout(look, every)
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [...inputs, round])
  return { ...state, again: () => next(n => n + 1) }
}
