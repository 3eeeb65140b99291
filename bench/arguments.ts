import { InvalidArgumentError } from 'commander'
import type { Path } from './load.js'
import { SUITE_NAMES, type SuiteName } from './suites/index.js'

/** Reads one or more, with commas between. */
export function listOf<T>(one: (text: string) => T): (text: string) => T[] {
  return text => text.split(',').filter(Boolean).map(one)
}

export function path(text: string): Path {
  if (text === 'accept' || text === 'dispatch' || text === 'receipts') return text
  throw new InvalidArgumentError('Expected accept, dispatch or receipts.')
}

/** Names of suites; repeated options add to them. */
export function suites(text: string, before: SuiteName[] = []): SuiteName[] {
  const suite = (name: string): SuiteName => {
    const known = SUITE_NAMES.find(one => one === name)
    if (known !== undefined) return known
    throw new InvalidArgumentError(`Expected ${SUITE_NAMES.join(', ')}.`)
  }
  return [...before, ...listOf(suite)(text)]
}
