// What the pages use of the types of Preact's hooks.
export function useState<S>(first: S | (() => S)): [S, (next: S | ((before: S) => S)) => void]
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void
export function useMemo<T>(make: () => T, inputs: readonly unknown[]): T
export function useCallback<T extends (...args: any[]) => any>(callback: T, inputs: readonly unknown[]): T
export function useRef<T>(first: T): { current: T }
export function useId(): string
