// How values are written.

const units = [['d', 86400000], ['h', 3600000], ['min', 60000], ['s', 1000]]

/** A length of time: 850 ms, 4.2 s, 3 min 20 s, 2 d 4 h. @param {number} ms */
export function duration(ms) {
  if (!(ms >= 0)) return ''
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`
  for (let i = 0; i < units.length - 1; i++) {
    const [unit, size] = /** @type {[string, number]} */ (units[i])
    const [lesser, smaller] = /** @type {[string, number]} */ (units[i + 1])
    if (ms < size) continue
    const rest = Math.floor((ms % size) / smaller)
    return `${Math.floor(ms / size)} ${unit}${rest ? ` ${rest} ${lesser}` : ''}`
  }
  return ''
}

/** How long ago or ahead: 3 min ago, in 2 h. @param {number} at @param {number} now */
export function relative(at, now) {
  const ms = now - at
  if (Math.abs(ms) < 1000) return 'now'
  const [unit, size] = /** @type {[string, number]} */ (units.find(([, size]) => Math.abs(ms) >= Number(size)))
  const text = `${Math.floor(Math.abs(ms) / size)} ${unit}`
  return ms > 0 ? `${text} ago` : `in ${text}`
}

const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const otherDay = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
})

/** A moment, with the day where it is not today. @param {string | number} at */
export function moment(at) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return String(at)
  return (date.toDateString() === new Date().toDateString() ? sameDay : otherDay).format(date)
}

const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** The time of a day, to the minute. @param {string} at */
export const clock = at => minute.format(new Date(at))

/** @param {number} n */
export function bytes(n) {
  if (n < 1024) return `${n} B`
  return n < 1048576 ? `${(n / 1024).toFixed(n < 10240 ? 1 : 0)} KB` : `${(n / 1048576).toFixed(1)} MB`
}

/** @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many ?? `${one}s`}`

/** JSON as people read it. @param {unknown} value */
export const pretty = value => JSON.stringify(value, null, 2) ?? ''

/** Any value as a piece of a line. @param {any} value */
export const word = value => (typeof value === 'object' && !(value instanceof String) ? pretty(value) : String(value))

/** @param {string | undefined | null} at */
export const millis = at => (at ? Date.parse(at) : NaN)
