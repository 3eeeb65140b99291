import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../cluster/index.js'
import { DEFAULT_GROUP_SETTINGS } from '../../cluster/group-context.js'
import type { LogStore } from '../../cluster/log/log-store.js'
import { Histogram } from '../../src/tools/histogram.js'
import { openLog } from './replica.js'
import { SyntheticLog } from './synthetic-log.js'

/** Entries of so many messages, one after the other, each synced before the next. */
export interface AppendsRow {
  messagesPerEntry: number
  octetsPerEntry: number
  entriesPerSecond: number
  messagesPerSecond: number
  mibPerSecond: number
  latencyMs: { p50: number; p99: number }
  /** CPU time of all threads, LevelDB's too. */
  cpuUsPerMessage: number
  /** The same octets appended to a bare file with fdatasync, at the same time, turn by turn. */
  bareP50Ms: number
}

export interface AppendsOptions {
  messagesPerEntry: number
  durationMs: number
}

/** LevelDB as the log uses it: one batch with the hard state for each entry, and the log cut as it grows too long. */
export async function benchAppends(options: AppendsOptions): Promise<AppendsRow> {
  const { messagesPerEntry, durationMs } = options
  const directory = await mkdtemp(join(tmpdir(), 'carillon-appends-'))
  const store = await openLevelStore(join(directory, 'log'))
  const bare = openSync(join(directory, 'bare'), 'w')
  try {
    const log = await openLog(store)
    const entry = SyntheticLog.acceptOf(messagesPerEntry)
    const latency = new Histogram()
    const bareLatency = new Histogram()
    let cpuUs = 0
    let busyMs = 0
    let entries = 0
    const turn = async (): Promise<void> => {
      const cpu = process.cpuUsage()
      const beganMs = performance.now()
      await append(log, entry)
      const tookMs = performance.now() - beganMs
      const { user, system } = process.cpuUsage(cpu)
      cpuUs += user + system
      busyMs += tookMs
      latency.record(tookMs)
      entries++
    }
    const untilMs = performance.now() + durationMs
    while (performance.now() < untilMs || entries === 0) {
      await turn()
      const beganMs = performance.now()
      writeSync(bare, entry)
      fdatasyncSync(bare)
      bareLatency.record(performance.now() - beganMs)
    }
    const { p50, p99 } = latency.quantiles()
    const perSecond = (entries * 1000) / busyMs
    return {
      messagesPerEntry,
      octetsPerEntry: entry.length,
      entriesPerSecond: Math.round(perSecond),
      messagesPerSecond: Math.round(perSecond * messagesPerEntry),
      mibPerSecond: Math.round((perSecond * entry.length * 100) / 2 ** 20) / 100,
      latencyMs: { p50, p99 },
      cpuUsPerMessage: Math.round((cpuUs * 100) / (entries * messagesPerEntry)) / 100,
      bareP50Ms: bareLatency.quantiles().p50,
    }
  } finally {
    closeSync(bare)
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function append(log: LogStore, data: Buffer): Promise<void> {
  const index = log.lastIndex + 1
  await log.write([{ index, term: 1, type: 0, data }], { term: 1, vote: 1, commit: index - 1 })
  if (index % CUT_EVERY !== 0) return
  const cutAt = log.cutFor(index, DEFAULT_GROUP_SETTINGS, 0.1)
  if (cutAt !== undefined) await log.cut(cutAt, () => false)
}

/** As the Ready loop does. */
const CUT_EVERY = 256
