import { Worker } from 'node:worker_threads'
import { systemClock, systemTimers } from '../src/base/clock.js'
import { silentLogger } from '../src/base/logger.js'
import { Link } from '../src/link/link.js'
import { connectTcp } from '../src/link/tcp.js'
import { encodeBody } from '../src/smpp/codec.js'
import { COMMAND_IDS } from '../src/smpp/command-ids.js'
import { freePorts } from '../src/testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import { waitFor } from '../src/testing/wait-for.js'
import { Histogram } from '../src/tools/histogram.js'
import { ATTACKS, type AttackName } from './attacks.js'
import { Idlers } from './idlers.js'

/** What the sessions of others saw while a port was attacked, beside the same without, just before. */
export interface HostileRow {
  attack: string
  quietP99Ms: number
  p99Ms: number
  /** Submits of others while it was attacked; `refused` had another answer than ESME_ROK, or none. */
  submits: number
  refused: number
  /** The node's resident memory afterwards. */
  rssMiB: number
}

export interface HostileOptions {
  attacks: readonly AttackName[]
  /** Of each measurement; `quietMs` of those without an attack, where they shall be shorter. */
  ms: number
  quietMs?: number
  /** Sessions that are bound and idle, at the end; 0: none. */
  idleSessions: number
  progress?: (row: HostileRow) => void
}

interface Attacker {
  terminate(): Promise<unknown>
}

/** One node, two sessions that submit a hundred messages a second each, and all attacks in turn. */
export async function benchHostile(options: HostileOptions): Promise<HostileRow[]> {
  const { attacks, ms, quietMs = ms, idleSessions, progress } = options
  const cluster = await ProcessCluster.start({
    size: 1,
    gateway: await gateway(idleSessions),
    settings: { smpp: { connectionsMax: idleSessions + 2_000 } },
  })
  const others: Others[] = []
  try {
    const node = cluster.node(1)
    await cluster.leader()
    for (let i = 0; i < 2; i++) others.push(await Others.bound(node.smppPort))
    await measure(others, quietMs) // the first binds, and code that is not compiled yet
    const rows: HostileRow[] = []
    const row = async (
      attack: string,
      begin: () => Attacker | Promise<Attacker>,
    ): Promise<void> => {
      const quiet = await measure(others, quietMs)
      const attacker = await begin()
      const seen = await measure(others, ms)
      const rssMiB = Math.round(node.rssOctets / 2 ** 20)
      await attacker.terminate()
      const { submits, refused } = seen
      const [quietP99Ms, p99Ms] = [quiet.latency.quantile(0.99), seen.latency.quantile(0.99)]
      rows.push({ attack, quietP99Ms, p99Ms, submits, refused, rssMiB })
      progress?.(rows.at(-1)!)
      // what the attack left is over before the next one: sessions end, and the quiet is quiet
      await waitFor(
        'its sessions have ended',
        async () => {
          const sessions = await node.get<{ items: unknown[] }>('/api/v1/sessions')
          return sessions !== undefined && sessions.items.length <= others.length
        },
        { timeoutMs: 120_000, everyMs: 200 },
      )
    }
    for (const attack of attacks) await row(attack, () => attackerOf(attack, node.smppPort))
    if (idleSessions > 0)
      await row(`${idleSessions} idle sessions`, () =>
        Idlers.bound(node.smppPort, idleSessions, ['bad']),
      )
    return rows
  } finally {
    for (const one of others) one.link.close('done')
    await cluster.stop({ deadlineMs: 1_000 })
  }
}

export function hostileText(rows: readonly HostileRow[]): string {
  const cells = rows.map(one => [
    one.attack,
    `${one.quietP99Ms.toFixed(1)} ms`,
    `${one.p99Ms.toFixed(1)} ms`,
    `× ${(one.p99Ms / one.quietP99Ms).toFixed(1)}`,
    `${one.submits}`,
    `${one.refused}`,
    `${one.rssMiB} MiB`,
  ])
  const head = ['attack', 'p99 before', 'p99', 'ratio', 'submits', 'refused', 'RSS']
  const all = [head, ...cells]
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return `${all.map(line).join('\n')}\n`
}

export const ALL_ATTACKS = Object.keys(ATTACKS) as AttackName[]

async function gateway(idleSessions: number): Promise<object> {
  const [nobody] = await freePorts(1)
  const settings = gatewayTo(nobody!) as { accounts: object[] }
  const bad = {
    systemId: 'bad',
    password: 'secret1',
    maxSessions: idleSessions + 1_000,
    window: 10,
    queueLimit: 100_000,
  }
  return { ...settings, accounts: [...settings.accounts, bad] }
}

function attackerOf(attack: AttackName, port: number): Worker {
  return new Worker(new URL('./attacker.js', import.meta.url), { workerData: { attack, port } })
}

interface Measured {
  latency: Histogram
  submits: number
  refused: number
}

async function measure(others: readonly Others[], ms: number): Promise<Measured> {
  const into: Measured = { latency: new Histogram(), submits: 0, refused: 0 }
  const endMs = performance.now() + ms
  while (performance.now() < endMs) {
    for (const one of others) one.submit(into)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  await waitFor('all answers', () => others.every(one => one.link.windowUsed === 0))
  return into
}

const SUBMIT = encodeBody('submit_sm', {
  source_addr: '1000',
  destination_addr: '491701234567',
  short_message: Buffer.alloc(140, 0x61),
})

/** A session of somebody else, which notes how long its submits take. */
class Others {
  readonly link: Link

  private constructor(link: Link) {
    this.link = link
  }

  static async bound(port: number): Promise<Others> {
    const connection = await connectTcp({ host: '127.0.0.1', port, timeoutMs: 10_000 })
    const link = new Link({
      side: 'esme',
      connection,
      limits: LIMITS,
      handler: {
        request: () => undefined,
        response: (tag, _, frame) => (tag as (status?: number) => void)(frame?.command_status),
        closed: () => undefined,
      },
      clock: systemClock,
      timers: systemTimers,
      logger: silentLogger,
    })
    await new Promise<void>((resolve, reject) => {
      const fields = { system_id: 'esme1', password: 'secret1' }
      link.bind('bind_transceiver', fields, ({ ok }) => {
        if (ok) resolve()
        else reject(new Error('the bind was refused'))
      })
    })
    return new Others(link)
  }

  submit(into: Measured): void {
    const sentAtMs = performance.now()
    const answered = (status?: number): void => {
      into.latency.record(performance.now() - sentAtMs)
      if (status !== 0) into.refused++
    }
    into.submits++
    const sent = this.link.request(COMMAND_IDS.submit_sm, SUBMIT, answered)
    if (typeof sent !== 'number') into.refused++
  }
}

const LIMITS = {
  windowIn: 1_000,
  windowOut: 1_000,
  pduOctetsMax: 65_536,
  bindTimeoutMs: 60_000,
  enquireLinkMs: 30_000,
  inactivityTimeoutMs: 90_000,
  responseTimeoutMs: 30_000,
  writeQueueOctetsMax: 4 * 1024 * 1024,
}
