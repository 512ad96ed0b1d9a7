// Which page it is, by the address. Links within /ui/ are followed without loading the document again.
import { useEffect, useState } from './html.js'

/** @type {Set<() => void>} */
const listeners = new Set()
const tell = () => listeners.forEach(listener => listener())

/** @param {string} to @param {{replace?: boolean}} [how] */
export function navigate(to, how = {}) {
  const before = location.pathname
  history[how.replace ? 'replaceState' : 'pushState'](null, '', to)
  tell()
  if (location.pathname !== before) scrollTo(0, 0)
}

/** Changes parameters of the query; empty ones go. @param {Record<string, string>} changes */
export function setQuery(changes) {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name)
  const text = query.toString()
  navigate(location.pathname + (text ? `?${text}` : ''), { replace: true })
}

/** The path and the query as they are now. */
export function useLocation() {
  const [address, redraw] = useState(location.pathname + location.search)
  useEffect(() => {
    const listener = () => redraw(location.pathname + location.search)
    listeners.add(listener)
    listener() // it may have changed since this was drawn
    return () => { listeners.delete(listener) }
  }, [])
  const [path, query] = address.split(/\?(.*)/s)
  return { path, query: new URLSearchParams(query) }
}

addEventListener('popstate', tell)

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = /** @type {Element} */ (event.target).closest?.('a[href]')
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (!link.pathname.startsWith('/ui/') || link.hash) return
  event.preventDefault()
  navigate(link.pathname + link.search)
})
