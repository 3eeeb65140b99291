import { spread } from './gaps.js'
import type { ClientBook } from './reconcile.js'

/** A session's way back to service after a fault. */
export interface Rebind {
  /** `resident 3`, and where it bound. */
  session: string
  address: string
  /**
   * ms until its first ESME_ROK (a positive submit_sm_resp): from the beginning of its connection, so with its bind
   * and the hashing of its password; and from its bind_resp. Null: it broke, or the run ended, before one came.
   */
  okAfterConnectMs: number | null
  okAfterBindMs: number | null
  /** Of the latter, until its first message was due to be sent. Null: none came; absent: of an older run. */
  dueAfterBindMs?: number | null
  /**
   * What messages of all sessions took at that time (median of those meant within `MEANWHILE_MS` of it): where it is as
   * much as what is left, the cluster or the machine was slow, and not the session.
   */
  meanwhileMs?: number | null
}

const MEANWHILE_MS = 60

/**
 * The binds whose connection was begun after each fault and before the next one: attempts that failed are none.
 *
 * @param clients   their books, and when their runs started, ms since the Unix epoch
 * @param faultsMs  when the faults came, ms since the Unix epoch, in order
 * @returns a list for each fault, in the order of the connections
 */
export function rebindsOf(
  clients: readonly { name: string; book: ClientBook; startedAtMs: number }[],
  faultsMs: readonly number[],
): Rebind[][] {
  const found = faultsMs.map((): { atMs: number; rebind: Rebind }[] => [])
  const all = clients.flatMap(({ book, startedAtMs }) =>
    [...book.acknowledged.values()].map(({ sentMs, answeredMs }) => ({
      atMs: startedAtMs + sentMs,
      tookMs: answeredMs - sentMs,
    })),
  )
  for (const { name, book, startedAtMs } of clients) {
    const meant = new Map([...book.acknowledged.values()].map(one => [one.answeredMs, one.sentMs]))
    for (const { session, address, connectMs, boundMs, okMs } of book.binds) {
      const atMs = startedAtMs + connectMs
      const fault = faultsMs.findLastIndex(faultMs => faultMs <= atMs)
      const after = (ms: number): number | null => (okMs === null ? null : tenths(okMs - ms))
      const meantMs = okMs === null ? undefined : meant.get(okMs)
      // one that was meant before waited for the bind
      const dueMs = meantMs === undefined ? undefined : Math.max(meantMs, boundMs)
      const rebind: Rebind = {
        session: `${name} ${session}`,
        address,
        okAfterConnectMs: after(connectMs),
        okAfterBindMs: after(boundMs),
        dueAfterBindMs: dueMs === undefined ? null : tenths(dueMs - boundMs),
        meanwhileMs: dueMs === undefined ? null : meanwhile(all, startedAtMs + dueMs),
      }
      found[fault]?.push({ atMs, rebind }) // those of before all faults are the first binds
    }
  }
  return found.map(list => list.sort((a, b) => a.atMs - b.atMs).map(({ rebind }) => rebind))
}

function meanwhile(all: readonly { atMs: number; tookMs: number }[], atMs: number): number | null {
  const then = all.filter(one => Math.abs(one.atMs - atMs) <= MEANWHILE_MS)
  const took = spread(then.map(({ tookMs }) => tookMs))
  return took === null ? null : tenths(took.p50)
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
