// What the pages use of Preact's types.
export type Node = any
export type Children = any
export function h(type: any, props: any, ...children: any[]): Node
export function render(node: Node, parent: Element): void
export const Fragment: any
export class Component<P = any, S = any> {
  constructor(props?: P)
  props: P & { children?: Children }
  state: S
  base: Element | null
  setState(change: Partial<S>): void
  shouldComponentUpdate(next: P, state: S): boolean
  render(): Node
}
