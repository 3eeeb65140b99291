import type { SeededRandom } from '../../base/random.js'
import { readAcceptRecord } from '../accept-record.js'
import { FIRST_ALIAS } from '../aliases.js'
import type { Ban } from '../bans.js'
import { MARK, MESSAGE_STATE } from '../marks.js'
import type { Command, InboundItem, OutcomeItem, OutcomeResult } from '../commands.js'
import { OUTCOME_RESULTS } from '../commands.js'
import { decodeEntry } from '../entry.js'
import { indexOf, offsetOf, refOf } from '../ids.js'
import { replace } from './commands.js'
import type { TestLog } from './log.js'
import { accept, hashOf } from './log.js'

const ADDRESSES = ['4915100000001', '4915100000002', '4915100000003', 'CARILLON']

/** One command that a node might propose next, sensible or stale, by chance. */
export function randomCommand(log: TestLog, random: SeededRandom): Command {
  const connector = 1 + random.below(2)
  const state = log.state.connectors.get(connector)
  const epoch = Math.max(0, (state?.epoch ?? 1) - (random.below(10) === 0 ? 1 : 0))
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!
  const some = <T>(items: Iterable<T>, most: number): T[] =>
    [...items].filter(() => random.below(2) === 0).slice(0, most)
  switch (random.below(13)) {
    case 0:
    case 1:
      return accept(
        Array.from({ length: 1 + random.below(6) }, () => ({
          account: 1 + random.below(2),
          to: pick(ADDRESSES),
          registered_delivery: random.below(4) | (random.below(2) * 0x10),
          short: random.below(3) === 0,
          session: random.below(20),
          ...(random.below(2) === 0 ? { same: pick(['a', 'b', 'c', 'd']) } : {}),
          ...(random.below(4) === 0 ? { dueAtMs: log.nowMs + random.below(5000) } : {}),
          transaction: random.below(6) === 0,
          ...(random.below(4) === 0 ? { multi: 1 + random.below(2) } : {}),
          ...(random.below(4) === 0 ? { expiresAtMs: log.nowMs + random.below(5000) } : {}),
        })),
        random.below(4),
        1 + random.below(3),
      )
    case 2:
    case 3:
      return { kind: 'claim', connector, epoch, count: random.below(8) }
    case 4:
    case 5: {
      const items = some(state?.claims ?? [], 8).map(([ref, attempt]): OutcomeItem => {
        const result = pick<OutcomeResult>(['sent', 'sent', 'sent', ...OUTCOME_RESULTS])
        const smscId = result === 'sent' ? String(random.below(40)) : ''
        return { ref, attempt, result, error: random.below(100), smscId, retryAtMs: log.nowMs }
      })
      if (random.below(6) > 0) return { kind: 'outcomes', connector, epoch, items }
      const parted = items.map(({ ref, attempt }) => {
        const smscIds = Array.from({ length: 2 + random.below(3) }, () => String(random.below(40)))
        return { ref, attempt, smscIds }
      })
      return { kind: 'sentParts', connector, epoch, items: parted }
    }
    case 6: {
      const refs = some([...(state?.retries.keys() ?? []), ...(state?.doubts.keys() ?? [])], 8)
      return { kind: 'requeue', connector, epoch, refs }
    }
    case 7:
      return {
        kind: 'inbound',
        connector,
        epoch,
        items: Array.from({ length: 1 + random.below(3) }, () =>
          random.below(4) === 0
            ? randomMo(random)
            : {
                kind: 'receipt',
                intermediate: random.below(3) === 0,
                smscId: random.below(10) === 0 ? '' : String(random.below(40)),
                state: random.below(9),
                error: 0,
                addressHash: hashOf(pick(ADDRESSES)),
                body: Buffer.from(`receipt ${random.below(3)}`),
              },
        ),
      }
    case 8: {
      const account = log.state.accounts.get(1 + random.below(2))!
      const { head, tail } = account.deliveries
      const seqs = some(
        Array.from({ length: tail - head }, (_, i) => head + i),
        8,
      )
      return {
        kind: 'delivered',
        account: account.number,
        epoch: account.epoch,
        seqs,
        expired: false,
      }
    }
    case 9: {
      const refs = anyRefs(log, random)
      const buckets = some(state?.expiries.keys() ?? [], 2)
      return { kind: 'expire', connector, epoch, refs, buckets }
    }
    case 10: {
      const upTo = Math.max(1, log.entries.length - random.below(60))
      return { kind: 'retire', upTo, unawaited: some(log.state.lingering, 3) }
    }
    case 11:
      return randomReplace(log, random)
    default:
      return pick<() => Command>([
        () => ({ kind: 'releaseHome', connector, epoch }),
        () => ({
          kind: 'due',
          connector,
          epoch,
          upTo: Math.floor(log.nowMs / 1000) + random.below(6),
          count: 1 + random.below(5),
        }),
        () => ({ kind: 'cancel', account: 1 + random.below(3), refs: anyRefs(log, random) }),
        () => ({ kind: 'cancel', account: 1 + random.below(2), refs: unclaimedOf(log, random) }),
        () => ({ kind: 'written', account: 1, refs: some(firstsOf(log), 8) }),
        () => {
          const { number, epoch, longMos } = log.state.accounts.get(1 + random.below(2))!
          const refs = some(longMos.before(log.nowMs - random.below(2000), 8), 4)
          return { kind: 'giveUpParts', account: number, epoch, refs }
        },
        () => ({ kind: 'forgetLost', account: 1, refs: some(firstsOf(log), 2) }),
        () => ({ kind: 'void', number: 1 + random.below(log.state.nodes.get(1)?.lowest ?? 1) + 8 }),
        () => ({ kind: 'forgetOrphans', connector, epoch, count: random.below(3) }),
        () => ({ kind: 'linkState', connector, epoch, binds: random.below(3) }),
        () => ({
          kind: 'resolveDoubt',
          connector,
          refs: some(state?.doubts.keys() ?? [], 4),
          action: pick(['resend', 'drop'] as const),
        }),
        () => ({
          kind: 'bind',
          session: {
            id: `1.1.${random.below(20)}`,
            account: 1 + random.below(2),
            bindType: pick(['trx', 'tx', 'rx'] as const),
            version: 0x34,
            node: 1 + random.below(3),
            remoteAddress: '::1',
            boundAtMs: log.nowMs,
          },
        }),
        () => ({ kind: 'ban', bans: [randomBan(log, random)] }),
        () => ({ kind: 'liftBans', bans: [randomBan(log, random), randomBan(log, random)] }),
        () => ({ kind: 'endSession', session: `1.1.${random.below(20)}` }),
      ])()
  }
}

function randomBan(log: TestLog, random: SeededRandom): Ban {
  const times = { sinceMs: log.nowMs, untilMs: log.nowMs + random.below(1000) }
  return { account: 1 + random.below(3), address: `::${random.below(5)}`, failures: 3, ...times }
}

/** Of one that waits mostly, or of any; made of its octets as they are, or as they were. */
function randomReplace(log: TestLog, random: SeededRandom): Command {
  const refs = random.below(4) === 0 ? anyRefs(log, random) : unclaimedOf(log, random)
  const ref = refs[random.below(Math.max(1, refs.length))] ?? refOf(1, 0)
  const block = log.state.blocks.get(indexOf(ref))
  const now = block?.replacement(offsetOf(ref))?.ref ?? ref
  return replace(ref, {
    account: random.below(8) === 0 ? 3 : (block?.account(offsetOf(ref)) ?? 1),
    base: random.below(4) === 0 ? ref : now,
    registered_delivery: random.below(4) | (random.below(2) * 0x10),
    body: Buffer.from(`other ${log.entries.length}`),
    ...(random.below(2) === 0
      ? { expiresAtMs: log.nowMs + random.below(5000), otherValidity: true }
      : {}),
    ...(random.below(3) === 0
      ? { dueAtMs: log.nowMs + random.below(5000), otherSchedule: true }
      : {}),
  })
}

/** Half of them parts, under two references that are used again and again. */
function randomMo(random: SeededRandom): InboundItem {
  const account = 1 + random.below(3)
  const body = Buffer.from('mo')
  if (random.below(2) === 0) return { kind: 'mo', account, body }
  const part = 1 + random.below(2)
  const key = `key ${random.below(2)}`
  return { kind: 'mo', account, part: { key, total: 2, part, digest: random.below(2) }, body }
}

/** The replacements of the last entry that apply has taken: message and body. */
export function replacedIn(log: TestLog): [ref: number, body: string][] {
  const index = log.entries.length
  const entry = decodeEntry(log.entries[index - 1]!)
  const outcome = log.state.nodes.outcomeOf(entry?.node ?? 0, entry?.number ?? 0)
  if (entry === undefined || outcome?.index !== index) return []
  return entry.commands.flatMap((command, at): [number, string][] =>
    command.kind === 'replace' && outcome.results[at]?.ok === true
      ? [[command.ref, String(readAcceptRecord(command.record, 0).body)]]
      : [],
  )
}

/** All messages of one entry, whatever they are. */
function anyRefs(log: TestLog, random: SeededRandom): number[] {
  const index = 1 + random.below(log.entries.length)
  const count = log.state.blocks.get(index)?.count ?? 0
  return Array.from({ length: count }, (_, offset) => refOf(index, offset))
}

/** Some that wait, in queues and for retries, of whichever account. */
function unclaimedOf(log: TestLog, random: SeededRandom): number[] {
  const refs: number[] = []
  for (const { queue, schedules, retries } of log.state.connectors.values()) {
    for (const { index, lo, hi } of [...queue.heads(3), ...schedules.ranges()])
      for (let offset = lo; offset < hi; offset++) refs.push(refOf(index, offset))
    refs.push(...retries.keys())
  }
  return refs.filter(() => random.below(2) === 0)
}

/** What the last entry has cancelled: those that its commands name and that ended unsent with it. */
export function cancelledIn(log: TestLog): number[] {
  const index = log.entries.length
  const entry = decodeEntry(log.entries[index - 1]!)
  const results = log.state.nodes.outcomeOf(entry?.node ?? 0, entry?.number ?? 0)
  if (entry === undefined || results?.index !== index) return []
  return entry.commands.flatMap(command => {
    if (command.kind !== 'cancel') return []
    return command.refs.filter(ref => {
      const block = log.state.blocks.get(indexOf(ref))
      const offset = offsetOf(ref)
      return (
        block?.account(offset) === command.account &&
        block.at(offset, 'final') === Math.max(entry.proposedAtMs, block.proposedAtMs) &&
        block.state(offset) === MESSAGE_STATE.DELETED &&
        block.at(offset, 'sent') === 0
      )
    })
  })
}

const firstsOf = (log: TestLog): number[] =>
  log.state.accounts.get(1)!.resubmissions.all.map(({ ref }) => ref)

/** What waits for other parts, in its order. */
export function gatherings(log: TestLog): unknown[] {
  return [...log.state.accounts.values()].map(({ longMos }) =>
    longMos.before(Infinity, Infinity).map(since => {
      const { key, parts, told } = longMos.since(since)!
      return [since, key, parts, told]
    }),
  )
}

/** What is remembered of submits without a written response: the same on all nodes, but for the numbers of keys. */
export function firstBooks(log: TestLog): unknown[] {
  return [...log.state.accounts.values()].map(({ resubmissions }) =>
    resubmissions.all.map(({ ref, fingerprint, session, lostAtMs }) => [
      ref,
      fingerprint,
      session,
      lostAtMs,
    ]),
  )
}

/** Which message each number of a short id is, by the numbers and by the blocks: the two are equal. */
export function aliasBooks(log: TestLog): {
  found: Map<number, number>
  marked: Map<number, number>
} {
  const { aliases } = log.state
  const found = new Map<number, number>()
  const marked = new Map<number, number>()
  for (let number = FIRST_ALIAS; number < aliases.next; number++)
    for (const ref of aliases.refs(number)) found.set(number, ref)
  for (let index = 1; index <= log.entries.length; index++) {
    const block = log.state.blocks.get(index)
    for (let offset = 0; offset < (block?.count ?? 0); offset++)
      if (block!.isShort(offset)) marked.set(block!.aliasBase + offset, refOf(index, offset))
  }
  return { found, marked }
}

/** What the counters say, and what the marks say: the two are equal, or a step forgot one. */
export function books(log: TestLog): { counted: unknown; marked: unknown } {
  const queued = new Map<number, number>()
  const unconcluded = new Map<number, number>()
  const add = (map: Map<number, number>, key: number): void => {
    map.set(key, (map.get(key) ?? 0) + 1)
  }
  let claims = 0
  let doubts = 0
  let retries = 0
  let scheduled = 0
  const wrongOpen: string[] = []
  /** Places that wait: receipts and MO that are owed, receipts that fit no message yet, octets of replacements. */
  let waiting = 0
  let needed = 0
  for (const { orphans } of log.state.connectors.values()) needed += orphans.size
  const owedBy = new Map<number, number>()
  const owed: number[] = []
  for (const account of log.state.accounts.values()) {
    const { longMos } = account
    const held = longMos
      .before(Infinity, Infinity)
      .reduce((sum, since) => sum + longMos.since(since)!.parts.length, 0)
    needed += held
    let count = held
    for (let seq = account.deliveries.head; seq < account.deliveries.tail; seq++) {
      const delivery = account.delivery(seq)
      if (delivery?.kind === 'receipt' && delivery.holds)
        add(owedBy, Math.floor(delivery.message / 4096))
      if (delivery === undefined) continue
      count++
      if (delivery.inbound !== 0) needed += delivery.parts?.length ?? 1
    }
    owed.push(count)
  }
  for (let index = 1; index <= log.entries.length; index++) {
    const block = log.state.blocks.get(index)
    if (block === undefined) continue
    let open = owedBy.get(index) ?? 0
    for (let offset = 0; offset < block.count; offset++) {
      const mark = block.mark(offset)
      const unclaimed = mark === MARK.QUEUED || mark === MARK.RETRY
      const busy = mark === MARK.CLAIMED || mark === MARK.IN_DOUBT
      if (unclaimed) add(queued, block.connector(offset))
      if (unclaimed || busy) add(unconcluded, block.account(offset))
      if (mark === MARK.CLAIMED) claims++
      if (mark === MARK.IN_DOUBT) doubts++
      if (block.isScheduled(offset)) scheduled++
      else if (mark === MARK.RETRY) retries++
      if (unclaimed || busy || mark === MARK.SENT || mark === MARK.WAITING) open++
      if (mark === MARK.WAITING) waiting++
      const holder = block.replacement(offset)?.ref
      if (holder === undefined) continue
      needed++
      const held = log.state.blocks.get(indexOf(holder))?.mark(offsetOf(holder))
      if (!(unclaimed || busy) || held !== MARK.WAITING)
        wrongOpen.push(`${index}/${offset}, marked ${mark}, has octets at ${holder}: ${held}`)
    }
    if (open !== block.open) wrongOpen.push(`block ${index}: open ${block.open}, marks say ${open}`)
  }
  const connectors = [...log.state.connectors.values()]
  const accounts = [...log.state.accounts.values()]
  const total = (of: (c: (typeof connectors)[number]) => number): number =>
    connectors.reduce((sum, connector) => sum + of(connector), 0)
  return {
    counted: {
      queued: connectors.map(c => c.queued),
      unconcluded: accounts.map(a => a.queued),
      owed: accounts.map(a => a.owed),
      claims: total(c => c.claims.size),
      doubts: total(c => c.doubts.size),
      retries: total(c => c.retries.size),
      scheduled: total(c => c.schedules.size),
      wrongOpen: [],
      waiting: needed,
    },
    marked: {
      queued: connectors.map(c => queued.get(c.number) ?? 0),
      unconcluded: accounts.map(a => unconcluded.get(a.number) ?? 0),
      owed,
      claims,
      doubts,
      retries,
      scheduled,
      wrongOpen,
      waiting,
    },
  }
}
