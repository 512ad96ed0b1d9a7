// How many tasks there are in each state.
import { call, withQuery } from './api.js'
import { html } from './html.js'
import { useRead } from './read.js'
import { State } from './parts.js'

export const stateNames = ['running', 'waiting', 'compensating', 'stuck', 'pending', 'completed', 'failed', 'cancelled']

/** The counts under a filter; null where the server does not count. @param {Record<string, string>} filter @param {number} every */
export function useCounts(filter, every) {
  const { value } = useRead(async signal => {
    try {
      return await call('GET', withQuery('/v1/tasks/counts', filter), { signal })
    } catch (/** @type {any} */ problem) {
      if (problem.status === 404 || problem.status === 400) return { state: null }
      throw problem
    }
  }, [JSON.stringify(filter)], every)
  return value?.state ? value : null
}

export function Counts() {
  const counts = useCounts({}, 5000)
  return html`<ul class="counts">${stateNames.map(state => html`<li><a href=${`/ui/tasks?state=${state}`}><${State} state=${state} />${counts && html`<b>${counts.state[state] ?? 0}${counts.capped ? '+' : ''}</b>`}</a></li>`)}</ul>`
}
