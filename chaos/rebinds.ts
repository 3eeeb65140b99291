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
}

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
  for (const { name, book, startedAtMs } of clients) {
    for (const { session, address, connectMs, boundMs, okMs } of book.binds) {
      const atMs = startedAtMs + connectMs
      const fault = faultsMs.findLastIndex(faultMs => faultMs <= atMs)
      const after = (ms: number): number | null => (okMs === null ? null : tenths(okMs - ms))
      const rebind: Rebind = {
        session: `${name} ${session}`,
        address,
        okAfterConnectMs: after(connectMs),
        okAfterBindMs: after(boundMs),
      }
      found[fault]?.push({ atMs, rebind }) // those of before all faults are the first binds
    }
  }
  return found.map(list => list.sort((a, b) => a.atMs - b.atMs).map(({ rebind }) => rebind))
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
