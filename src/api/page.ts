import type { List } from './shapes.js'

/** Items of one answer. */
const PAGE_MAX = 1000

/**
 * One page of a list that is sorted by `keyOf`: what follows `after`.
 *
 * @param items  sorted ascending by key, by UTF-16 code units
 */
export function page<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  after: string | undefined,
): List<T> {
  const start = after === undefined ? 0 : items.findIndex(item => keyOf(item) > after)
  if (start < 0) return { items: [], next: null }
  const cut = items.slice(start, start + PAGE_MAX)
  const last = cut.at(-1)
  const more = start + PAGE_MAX < items.length
  return { items: cut, next: more && last !== undefined ? keyOf(last) : null }
}

export function sortedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => {
    const left = keyOf(a)
    const right = keyOf(b)
    return left < right ? -1 : left > right ? 1 : 0
  })
}
