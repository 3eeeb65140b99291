import { crc32 } from 'node:zlib'

import type { ReadView } from '../src/base/store.js'
import type { Engine } from './engine.js'
import type { GroupContext } from './group-context.js'
import type { ValueStage } from './log/install.js'
import type { LogStore } from './log/log-store.js'
import { decodeRecord, encodeRecord, type SnapshotMetadata } from './log/records.js'
import { BadFrame, MessageKind, messageOf, type RaftMessage } from './messages.js'
import { decodeFrame, encodeFrame } from './transport/frames.js'
import type { SnapshotSink, SnapshotSource } from './types.js'

const FRAME_BYTES = 256 * 1024
const WAIT_MS = 50
/** How long the leader waits for its state to reach the disk before it gives a snapshot up. */
const STATE_WAIT_MS = 20_000
const RETRY_MS = 1000

const Kind = { head: 1, chunk: 2, value: 3, end: 4 } as const

/** First record of a snapshot. */
export interface SnapshotHead extends SnapshotMetadata {
  group: number
  /** The sender's Raft term. */
  raftTerm: number
}

/** Sends and receives this group's snapshots, each on a call of its own. */
export class Snapshots {
  private readonly context: GroupContext
  private readonly log: LogStore
  private readonly engine: Engine
  /** Runs `change` on the engine and sees to what follows from it. */
  private readonly act: (change: () => void) => void
  private readonly sending = new Map<number, number>()
  private stopped = false
  /** What is staged and was given to the engine; its members the engine does not know. */
  incoming: SnapshotMetadata | undefined
  private receiving = false
  private installed: () => void = () => undefined

  constructor(
    context: GroupContext,
    log: LogStore,
    engine: Engine,
    act: (change: () => void) => void,
  ) {
    this.context = context
    this.log = log
    this.engine = engine
    this.act = act
  }

  /** The log must keep its entries above this index, for receivers of snapshots; Infinity for none. */
  get floor(): number {
    return Math.min(Infinity, ...this.sending.values())
  }

  /** Sends a snapshot in answer to the engine's MsgSnap, and reports what became of it. */
  send(message: RaftMessage): void {
    const { logger, timers, clock } = this.context
    const { to } = message
    if (this.sending.has(to)) {
      timers.after(RETRY_MS, () => this.report(to, false))
      return
    }
    this.sending.set(to, message.snapshot?.index ?? 0)
    const beganAtMs = clock.monotonicMs()
    this.transmit(message).then(
      index => {
        this.sending.delete(to)
        const tookMs = Math.round(clock.monotonicMs() - beganAtMs)
        logger.info('snapshot sent', { peer: to, index, tookMs })
        this.report(to, true)
      },
      (error: unknown) => {
        this.sending.delete(to)
        logger.warn('snapshot not sent', { peer: to, error: String(error) })
        timers.after(RETRY_MS, () => this.report(to, false))
      },
    )
  }

  /**
   * Takes a snapshot: stages state and values, verifies them, puts them on disk, and only then
   * tells the engine. Resolves when it is installed, or was not needed any more.
   */
  async receive(from: number, head: SnapshotHead, records: AsyncIterable<Buffer>): Promise<void> {
    if (this.receiving) throw new Error('another snapshot is being received')
    this.receiving = true
    try {
      const sink = await this.context.machine.stage()
      const values = await this.log.stageValues()
      try {
        await stageRecords(records, sink, values)
        await values.finish()
        await sink.finish(head.index)
      } catch (error) {
        await Promise.all([sink.discard(), values.discard()])
        throw error
      }
      this.context.logger.info('snapshot received', { peer: from, index: head.index })
      const done = new Promise<void>(resolve => {
        this.installed = resolve
      })
      this.incoming = { index: head.index, term: head.term, membership: head.membership }
      this.act(() => this.engine.step(snapshotMessage(from, this.context.id, head)))
      if (this.engine.hasPendingSnapshot) await done
      else await Promise.all([sink.discard(), values.discard()])
    } finally {
      this.incoming = undefined
      this.receiving = false
    }
  }

  /** The Ready loop has put the staged snapshot in place. */
  onInstalled(): void {
    this.installed()
  }

  stop(): void {
    this.stopped = true
    this.installed()
  }

  private report(to: number, ok: boolean): void {
    if (!this.stopped) this.act(() => this.engine.reportSnapshot(to, ok))
  }

  private async transmit(message: RaftMessage): Promise<number> {
    const { to } = message
    const { machine, transport, group } = this.context
    await this.untilStateKnows(to)
    const { opened: source, view } = await this.log.pinned(() => machine.snapshot())
    try {
      const { index } = source
      this.sending.set(to, index)
      const term = this.log.term(index)
      const membership = this.log.membershipAt(index)
      if (term === undefined || membership === undefined) {
        throw new Error(`the state's index ${index} is not in the log`)
      }
      const head: SnapshotHead = { group, raftTerm: message.term, index, term, membership }
      await transport.sendSnapshot(to, framed(this.records(head, source, view)))
      return index
    } finally {
      await Promise.all([source.close(), view.close()])
    }
  }

  /** A receiver refuses a snapshot whose membership it is not in. */
  private async untilStateKnows(id: number): Promise<void> {
    const { machine, clock, timers } = this.context
    const untilMs = clock.monotonicMs() + STATE_WAIT_MS
    for (;;) {
      const { durableIndex } = machine
      const members = this.log.membershipAt(durableIndex)?.members ?? []
      if (durableIndex >= this.log.firstIndex - 1 && members.some(member => member.id === id))
        return
      if (this.stopped || clock.monotonicMs() > untilMs) {
        throw new Error(`the state on disk does not know node ${id} yet`)
      }
      await new Promise<void>(resolve => timers.after(WAIT_MS, resolve))
    }
  }

  private async *records(
    head: SnapshotHead,
    source: SnapshotSource,
    view: ReadView,
  ): AsyncGenerator<Buffer> {
    let count = 0
    let checksum = 0
    const counted = (record: Buffer): Buffer => {
      count++
      checksum = crc32(record, checksum)
      return record
    }
    yield Buffer.concat([Buffer.of(Kind.head), encodeRecord(head)])
    for await (const chunk of source.chunks()) {
      yield counted(Buffer.concat([Buffer.of(Kind.chunk), chunk]))
    }
    for await (const index of source.liveValues()) {
      const raw = this.log.rawValue(view, index)
      if (raw === undefined) throw new Error(`the state refers to value ${index}, which is gone`)
      const start = Buffer.alloc(7)
      start[0] = Kind.value
      start.writeUIntBE(index, 1, 6)
      yield counted(Buffer.concat([start, raw]))
    }
    const end = Buffer.alloc(11)
    end[0] = Kind.end
    end.writeUIntBE(count, 1, 6)
    end.writeUInt32BE(checksum, 7)
    yield end
  }
}

/** Reads the head of an incoming snapshot, and what follows it. */
export async function openSnapshot(
  frames: AsyncIterable<Buffer>,
): Promise<{ head: SnapshotHead; records: AsyncIterable<Buffer> }> {
  const records = unframed(frames)
  const first = await records.next()
  if (first.done === true || first.value[0] !== Kind.head) {
    throw new BadFrame('a snapshot without a head')
  }
  return { head: decodeRecord(first.value.subarray(1)) as SnapshotHead, records }
}

async function stageRecords(
  records: AsyncIterable<Buffer>,
  sink: SnapshotSink,
  values: ValueStage,
): Promise<void> {
  let count = 0
  let checksum = 0
  for await (const record of records) {
    if (record[0] === Kind.end) {
      const whole = record.readUIntBE(1, 6) === count && record.readUInt32BE(7) === checksum
      if (!whole) throw new BadFrame('a snapshot fails its checksum')
      return
    }
    count++
    checksum = crc32(record, checksum)
    if (record[0] === Kind.chunk) await sink.write(record.subarray(1))
    else if (record[0] === Kind.value) await values.put(record.readUIntBE(1, 6), record.subarray(7))
    else throw new BadFrame('an unknown record in a snapshot')
  }
  throw new BadFrame('a snapshot that ends early')
}

async function* framed(records: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  let bytes = 0
  for await (const record of records) {
    gathered.push(record)
    bytes += record.length
    if (bytes < FRAME_BYTES) continue
    yield encodeFrame(gathered)
    gathered = []
    bytes = 0
  }
  if (gathered.length > 0) yield encodeFrame(gathered)
}

async function* unframed(frames: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const frame of frames) yield* decodeFrame(frame)
}

function snapshotMessage(from: number, to: number, head: SnapshotHead): RaftMessage {
  const snapshot = { index: head.index, term: head.term, membership: head.membership }
  return messageOf({ type: MessageKind.MsgSnap, from, to, term: head.raftTerm, snapshot })
}
