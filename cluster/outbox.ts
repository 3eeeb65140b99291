import type { Clock } from '../src/base/clock.js'
import type { Engine } from './engine.js'
import { encodeMessage, MessageKind, type RaftMessage } from './messages.js'
import type { Transport } from './transport/transport.js'

/** Half a heartbeat of the fastest setting. */
const ACKNOWLEDGED_MS = 20

/**
 * Sends what the engine says: appends on their lane, the rest on the other. Messages that say
 * little are merged, because every one of them costs an answer.
 */
export class Outbox {
  private readonly group: number
  private readonly engine: Engine
  private readonly transport: Transport
  private readonly sendSnapshot: (message: RaftMessage) => void
  private readonly clock: Clock
  /** The last append that was encoded: followers in step get the same octets. */
  private last: { message: RaftMessage; record: Buffer } | undefined
  private acknowledged: { message: RaftMessage; atMs: number } | undefined

  constructor(
    group: number,
    engine: Engine,
    transport: Transport,
    clock: Clock,
    sendSnapshot: (message: RaftMessage) => void,
  ) {
    this.group = group
    this.engine = engine
    this.transport = transport
    this.clock = clock
    this.sendSnapshot = sendSnapshot
  }

  send(messages: readonly RaftMessage[]): void {
    for (const message of merged(messages)) {
      if (message.type === MessageKind.MsgSnap) {
        this.sendSnapshot(message)
        continue
      }
      const append = message.type === MessageKind.MsgApp
      if (message.type === MessageKind.MsgAppResp && this.isRepeated(message)) continue
      const record = append ? this.encodeAppend(message) : encodeMessage(this.group, message)
      const sent = this.transport.send(message.to, append ? 'append' : 'control', record)
      // entries that went nowhere are found missing now, not after a round trip that never comes
      if (append && sent !== 'sent') this.engine.reportUnreachable(message.to)
    }
  }

  /**
   * An append that only brings news of a commit would be answered with what the leader knows. A repetition
   * after a while goes out: the leader may have lost the first.
   */
  private isRepeated(message: RaftMessage): boolean {
    const now = this.clock.monotonicMs()
    const { message: before, atMs } = this.acknowledged ?? { message: undefined, atMs: 0 }
    const same =
      before?.to === message.to &&
      before.term === message.term &&
      before.index === message.index &&
      !before.reject &&
      !message.reject
    if (same && now - atMs < ACKNOWLEDGED_MS) return true
    this.acknowledged = { message, atMs: now }
    return false
  }

  private encodeAppend(message: RaftMessage): Buffer {
    if (this.last !== undefined && sameAppend(this.last.message, message)) return this.last.record
    const record = encodeMessage(this.group, message)
    this.last = message.entries.length > 0 ? { message, record } : undefined
    return record
  }
}

/**
 * Leaves out what a later message to the same peer says as well: of acknowledgements the last (they
 * are cumulative), of appends those without entries (their commit goes with the one before).
 */
export function merged(messages: readonly RaftMessage[]): RaftMessage[] {
  const kept: RaftMessage[] = []
  const lastAppend = new Map<number, RaftMessage>()
  const lastAnswer = new Map<number, RaftMessage>()
  for (const message of messages) {
    const { to, type } = message
    if (type === MessageKind.MsgApp) {
      const before = lastAppend.get(to)
      if (before?.term === message.term && message.entries.length === 0) {
        before.commit = Math.max(before.commit, message.commit)
        continue
      }
      lastAppend.set(to, message)
    } else if (type === MessageKind.MsgAppResp) {
      const before = lastAnswer.get(to)
      if (before?.term === message.term && !before.reject && !message.reject) {
        before.index = Math.max(before.index, message.index)
        continue
      }
      lastAnswer.set(to, message)
    }
    kept.push(message)
  }
  return kept
}

function sameAppend(a: RaftMessage, b: RaftMessage): boolean {
  return (
    a.index === b.index &&
    a.term === b.term &&
    a.logTerm === b.logTerm &&
    a.commit === b.commit &&
    a.entries.length === b.entries.length &&
    a.entries[0] === b.entries[0] &&
    a.entries.at(-1) === b.entries.at(-1)
  )
}
