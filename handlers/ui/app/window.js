// Draws long lists in blocks. A block that is far from what is seen is an empty space of its height, so that thousands of rows cost
// no more than a screen of them.
import { html, useEffect, useLayoutEffect, useRef, useState } from './html.js'

const size = 40 // rows of a block
const margin = '1200px' // how far from what is seen a block is drawn

/** @type {WeakMap<Element, (near: boolean) => void>} */
const blocks = new WeakMap()
const observer = new IntersectionObserver(entries => entries.forEach(e => blocks.get(e.target)?.(e.isIntersecting)), { rootMargin: margin })

/** @param {{count: number, row: (i: number) => any, height: number}} props height is a row's, where it is not known yet */
export function Rows({ count, row, height }) {
  const parts = []
  for (let from = 0; from < count; from += size) parts.push(html`<${Block} key=${from} from=${from} to=${Math.min(from + size, count)} row=${row} height=${height} always=${count <= size * 2} />`)
  return parts
}

/** @param {{from: number, to: number, row: (i: number) => any, height: number, always: boolean}} props */
function Block({ from, to, row, height, always }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null))
  const [seen, set] = useState(from < size * 2)
  const near = seen || always
  const tall = useRef(0)
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (ref.current)
    blocks.set(element, set)
    observer.observe(element)
    return () => observer.unobserve(element)
  }, [])
  useLayoutEffect(() => {
    if (near && ref.current) tall.current = ref.current.offsetHeight
  })
  const rows = []
  if (near) for (let i = from; i < to; i++) rows.push(row(i))
  // Of rows that came while it was away, the height is guessed.
  const away = Math.max(tall.current, (to - from) * height)
  return html`<div class="block" ref=${ref} style=${{ minHeight: near ? '' : `${away}px` }}>${rows}</div>`
}
