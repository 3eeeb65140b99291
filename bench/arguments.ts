import { InvalidArgumentError } from 'commander'
import type { Path } from './load.js'

/** Reads one or more, with commas between. */
export function listOf<T>(one: (text: string) => T): (text: string) => T[] {
  return text => text.split(',').filter(Boolean).map(one)
}

export function path(text: string): Path {
  if (text === 'accept' || text === 'dispatch' || text === 'receipts') return text
  throw new InvalidArgumentError('Expected accept, dispatch or receipts.')
}
