// Who is signed in, and what they may do.
import { call, onUnauthenticated } from './api.js'
import { navigate } from './router.js'
import { useEffect, useState } from './html.js'

/**
 * @typedef {{signed_in: boolean, open: boolean, name?: string, role?: string, user_id?: string, service?: string, logins?: string[],
 *   expires_at?: string}} Session
 */

const open = { signed_in: false, open: true, name: '', role: 'operator', logins: [] }
const ranks = { reader: 1, starter: 2, operator: 3 }

/** @type {Session | null} */
let current = null
/** @type {Set<() => void>} */
const listeners = new Set()

/** @template {Session | null} S @param {S} session @returns {S} */
function set(session) {
  current = session
  listeners.forEach(listener => listener())
  return session
}

/** Asks who is signed in. A server that knows no sessions is open. @returns {Promise<Session>} */
export async function load() {
  try {
    return set(await call('GET', '/ui/session', { anybody: true }))
  } catch (/** @type {any} */ problem) {
    if (problem.status === 404) return set(open)
    throw problem
  }
}

/** @param {object} credentials @returns {Promise<Session>} */
export const signIn = async credentials => set(await call('POST', '/ui/session', { body: credentials, anybody: true }))

export async function signOut() {
  await call('DELETE', '/ui/session', { anybody: true })
  await load()
  navigate('/ui/login')
}

/** The session; null while it is not known. @returns {Session | null} */
export function useSession() {
  const [session, redraw] = useState(current)
  useEffect(() => {
    const listener = () => redraw(current)
    listeners.add(listener)
    listener() // it may have come since this was drawn
    return () => { listeners.delete(listener) }
  }, [])
  return session
}

/** Tells whether the session has the role. Until it is known, nobody has. @param {Session | null} session @param {'reader'|'starter'|'operator'} role */
export function may(session, role) {
  if (!session || !(session.open || session.signed_in)) return false
  return (ranks[/** @type {keyof typeof ranks} */ (session.role)] ?? 0) >= ranks[role]
}

/** Tells whether the session is a user's, or a service's: it sees some tasks only. @param {Session | null} session */
export const bound = session => Boolean(session?.user_id || session?.service)

onUnauthenticated(() => {
  if (location.pathname === '/ui/login') return
  set(null) // whoever was signed in is no longer
  load().catch(() => {})
  const next = location.pathname + location.search
  navigate(`/ui/login?next=${encodeURIComponent(next)}`, { replace: true })
})

/**
 * Where to go after signing in: a page of ours, and nothing else. The path must not begin with two slashes, or a slash and a
 * backslash, which browsers take for another host.
 * @param {string | null} next
 */
export function safeNext(next) {
  if (!next || !/^\/(?![/\\])/.test(next)) return '/ui/'
  try {
    const url = new URL(next, location.origin)
    return url.origin === location.origin && !url.pathname.startsWith('//') ? url.pathname + url.search + url.hash : '/ui/'
  } catch {
    return '/ui/'
  }
}
