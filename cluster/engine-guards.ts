// What the ported engine does wrong, or too slowly, put right from outside. ENGINE.md counts the guards.

// rawnode first: the engine's modules import each other in a circle
import '@coaty/consensus.raft/ported/rawnode.js'
import { setLogger, type Logger as EngineLogger } from '@coaty/consensus.raft/ported/logger.js'
import { noLimit } from '@coaty/consensus.raft/ported/raft.js'
import util from '@coaty/consensus.raft/ported/util.js'

import type { Logger } from '../src/base/logger.js'

/** Entries in one message: the engine spreads them as arguments, and 200,000 overflow the stack (guard 7). */
export const ENTRIES_PER_MESSAGE_MAX = 4096

/** What an entry costs besides its data. */
const ENTRY_OVERHEAD = 16

/** An entry, of the engine's class or not. */
interface Sized {
  data: unknown
}

/** The engine found a rule of its own broken. Fatal for the node. */
export class EnginePanic extends Error {
  override readonly name = 'EnginePanic'
}

/** Octets of an entry's data; Raft's own empty entries count nothing. */
export function payloadSize(entry: Sized): number {
  return dataLength(entry)
}

/** The longest start of `entries` within `bytesMax`, at least one. Without a limit also no limit of count. */
export function limitSize<T extends Sized>(entries: T[], bytesMax: number): T[] {
  if (bytesMax >= noLimit || entries.length === 0) return entries
  let bytes = 0
  let count = 0
  for (const entry of entries) {
    bytes += dataLength(entry) + ENTRY_OVERHEAD
    if (count > 0 && (bytes > bytesMax || count >= ENTRIES_PER_MESSAGE_MAX)) break
    count++
  }
  return count === entries.length ? entries : entries.slice(0, count)
}

/**
 * Replaces the engine's size functions, which run JSON.stringify on every entry. The engine calls
 * them through the exports of its module, so this holds for all engines of the process.
 */
export function patchEngine(): void {
  Object.assign(util, { payloadSize, limitSize })
  setLogger(engineLogger(undefined)) // the default one ends the process (guard 8)
}

/** The engine's logger: its talk is at debug, and what it calls fatal is thrown. */
export function engineLogger(logger: Logger | undefined): EngineLogger {
  const quiet = (): void => undefined
  const say = (level: 'debug' | 'warn') =>
    logger === undefined
      ? quiet
      : (text: string, ...values: unknown[]) => logger[level](`raft: ${filled(text, values)}`)
  const panic = (text: string, ...values: unknown[]): never => {
    throw new EnginePanic(filled(text, values))
  }
  return {
    infof: quiet,
    debugf: quiet,
    warningf: say('debug'),
    errorf: say('warn'),
    fatalf: panic,
    panicf: panic,
  }
}

function filled(text: string, values: unknown[]): string {
  let at = 0
  return text.replace(/%[sdvoxq]/g, () => String(values[at++]))
}

function dataLength(entry: Sized): number {
  // a membership change is an object for a moment, while it is proposed: see Engine.proposeChange
  return Buffer.isBuffer(entry.data) ? entry.data.length : 0
}
