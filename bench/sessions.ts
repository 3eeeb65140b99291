import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../src/testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import { Idlers } from './idlers.js'
import { settledRss } from './memory.js'

/** What sessions cost that are bound and do nothing. */
export interface SessionsRow {
  nodes: number
  sessions: number
  bindsPerSecond: number
  /** Resident memory, MiB: of the node that they are bound to before and with them, and what the others gained at most. */
  rssBeforeMiB: number
  rssMiB: number
  othersAddedMiB: number
  octetsPerSession: number
  /** CPU time of that node, cores: without sessions, and with all of them asked every `enquireLinkMs`. */
  idleCores: number
  cores: number
  enquireLinksPerSecond: number
  /** What one enquire_link and its answer cost, µs. */
  enquireLinkUs: number
}

export interface SessionsOptions {
  nodes: number
  sessions: number
  enquireLinkMs: number
  /** Of each measurement of CPU time. */
  measureMs: number
  /** Before and while the memory is read; see settledRss. */
  restMs?: number
}

/** Accounts that the sessions are spread over. */
const ACCOUNTS = 100
/** Bound and unbound before the memory is read: what is there once is no cost of a session. */
const WARM_UP_SESSIONS = 200

/** Binds them all to node 1, with no message anywhere. */
export async function benchSessions(options: SessionsOptions): Promise<SessionsRow> {
  const { nodes, sessions, enquireLinkMs, measureMs, restMs } = options
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `bench-${i + 1}`)
  const cluster = await ProcessCluster.start({
    size: nodes,
    gateway: await gatewayOf(accounts, sessions),
    settings: { smpp: { connectionsMax: sessions + WARM_UP_SESSIONS, enquireLinkMs } },
  })
  try {
    await cluster.leader()
    const node = cluster.node(1)
    await (await Idlers.bound(node.smppPort, WARM_UP_SESSIONS, accounts)).terminate()
    const rssBefore = await settledRss(cluster.nodes, restMs)
    const idleCores = await coresOf(node, measureMs)
    const beganMs = performance.now()
    const idlers = await Idlers.bound(node.smppPort, sessions, accounts)
    try {
      const bindsPerSecond = Math.round((sessions * 1000) / (performance.now() - beganMs))
      // the first of them have been asked, and the collector has seen what binding left
      await sleep(enquireLinkMs)
      const rss = await settledRss(cluster.nodes, restMs)
      const askedBefore = idlers.asked
      const fromMs = performance.now()
      const cores = await coresOf(node, measureMs)
      const asked = idlers.asked - askedBefore
      const enquireLinksPerSecond = (asked * 1000) / (performance.now() - fromMs)
      const added = rss.map((mib, i) => mib - rssBefore[i]!)
      return {
        nodes,
        sessions,
        bindsPerSecond,
        rssBeforeMiB: rssBefore[0]!,
        rssMiB: rss[0]!,
        othersAddedMiB: Math.max(0, ...added.slice(1)),
        octetsPerSession: Math.round((added[0]! * 2 ** 20) / sessions),
        idleCores,
        cores,
        enquireLinksPerSecond: Math.round(enquireLinksPerSecond),
        enquireLinkUs: Math.round(((cores - idleCores) * 1e6) / Math.max(1, enquireLinksPerSecond)),
      }
    } finally {
      await idlers.terminate()
    }
  } finally {
    await cluster.stop({ deadlineMs: 5_000 })
  }
}

async function coresOf(node: { cpuMs: number }, ms: number): Promise<number> {
  const cpuMs = node.cpuMs
  const fromMs = performance.now()
  await sleep(ms)
  return Math.round(((node.cpuMs - cpuMs) * 1000) / (performance.now() - fromMs)) / 1000
}

async function gatewayOf(accounts: readonly string[], sessions: number): Promise<object> {
  const [nobody] = await freePorts(1)
  const maxSessions = Math.ceil(sessions / accounts.length) + WARM_UP_SESSIONS
  return {
    ...gatewayTo(nobody!),
    accounts: accounts.map(systemId => ({ systemId, password: 'secret1', maxSessions })),
    moRoutes: [],
  }
}
