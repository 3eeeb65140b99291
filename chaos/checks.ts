import type { Check, Evidence, FaultSample } from './evidence.js'
import { spread, type Spread } from './gaps.js'
import type { Rebind } from './rebinds.js'

/** What every drill has to show, by what it found. */
export function verdicts({ books, duplicateBound, faults, spreads, settings }: Evidence): Check[] {
  if (books === null) return []
  const lastFaultMs = Math.max(0, ...faults.map(({ atMs }) => atMs))
  const checks = [
    must(
      'no acknowledged message is lost',
      books.lost === 0 && books.acknowledged > 0,
      `${books.acknowledged} acknowledged, ${books.lost} ${books.byReceipts === true ? 'without the receipt that alone shows it' : 'never reached the SMSC'}` +
        listed(books.lostMessages),
      '0 lost of more than 0',
    ),
    must(
      'every acknowledged message got its receipt',
      books.receiptsMissing === 0,
      `${books.receiptsMissing} without` + listed(books.missingReceipts),
      '0 without',
    ),
    ...(duplicateBound === null ? [] : [twice(books.duplicatedUpstream, duplicateBound)]),
    must(
      'no message_id was given twice',
      books.repeatedIds === 0,
      `${books.repeatedIds} repeated`,
      '0 repeated',
    ),
  ]
  const { survivingGapMs: gap } = spreads
  const quorumStays = faults.every(({ nodes }) => 2 * nodes.length < settings.size)
  const killed = faults.every(({ what }) => what.includes('SIGKILL'))
  if (lastFaultMs > 0 && gap !== null && killed && quorumStays) {
    checks.push(
      goal(
        'surviving sessions hardly notice',
        gap.p50 < 50 && gap.max < 150,
        `median ${Math.round(gap.p50)} ms, longest ${Math.round(gap.max)} ms of ${gap.count}`,
        'median under 50 ms, longest under 150 ms',
      ),
    )
  }
  if (lastFaultMs > 0 && gap !== null && faults.every(({ what }) => what.endsWith(LOSES_POWER))) {
    checks.push(
      goal(
        'surviving sessions wait for little more than an election',
        gap.p95 < HOSTS_GOAL_MS,
        `median ${Math.round(gap.p50)} ms, p95 ${Math.round(gap.p95)} ms of ${gap.count}`,
        `p95 under ${HOSTS_GOAL_MS} ms`,
      ),
    )
  }
  if (lastFaultMs > 0 && faults.every(isPlanned)) {
    const refused = Object.values(books.refused).reduce((sum, count) => sum + count, 0)
    const inOrder = '0: nodes leave in order'
    const { unanswered } = books
    const gaps = spread(faults.flatMap(({ surviving }) => surviving.untilRecoveryMs ?? []))
    if (gaps !== null) checks.push(plannedGap(gaps))
    checks.push(
      goal('no submit was refused', refused === 0, `${refused} refused`, inOrder),
      goal('every submit was answered', unanswered === 0, `${unanswered} unanswered`, inOrder),
    )
  }
  checks.push(...connectorsAgain(faults), ...soon(faults, spreads.okAfterBindMs))
  return checks
}

/** A node leaves, or hands leadership over, in good order. */
const isPlanned = ({ what }: FaultSample): boolean =>
  what.includes('SIGTERM') || what.endsWith(HANDS_OVER)

function plannedGap({ p50, max, count }: Spread): Check {
  return goal(
    'surviving sessions do not notice what is planned',
    max < PLANNED_GOAL_MS,
    `median ${Math.round(p50)} ms, longest ${Math.round(max)} ms of ${count}, before a node starts again`,
    `longest under ${PLANNED_GOAL_MS} ms`,
  )
}

/** Connectors whose home led, and was hit, are run by another node. */
function connectorsAgain(faults: readonly FaultSample[]): Check[] {
  const hit = faults.filter(({ homeHit, newLeaderMs }) => homeHit && newLeaderMs !== null)
  const again = spread(hit.flatMap(({ upstreamMs }) => upstreamMs ?? []))
  if (again === null) return []
  const { p50, p95, count } = again
  return [
    goal(
      'connectors of a leader that is hit are served again soon',
      p95 < CONNECTORS_GOAL_MS,
      `median ${Math.round(p50)} ms, p95 ${Math.round(p95)} ms of ${count}`,
      `p95 under ${CONNECTORS_GOAL_MS} ms`,
    ),
  ]
}

/** Sessions that bound again are served. */
function soon(faults: Evidence['faults'], spread: Spread | null): Check[] {
  const rebinds = faults.flatMap(fault => fault.rebinds)
  if (rebinds.length === 0) return []
  const without = rebinds.filter(({ okAfterBindMs }) => okAfterBindMs === null).length
  const found =
    spread === null ? 'none served' : `p95 ${Math.round(spread.p95)} ms of ${spread.count} rebinds`
  return [
    goal(
      'sessions that bind again are served at once',
      spread !== null && spread.p95 < REBIND_GOAL_MS,
      `${found}, bind_resp to first ESME_ROK${elsewhere(rebinds)}${without === 0 ? '' : `; ${without} ended before one`}`,
      `p95 under ${REBIND_GOAL_MS} ms`,
    ),
  ]
}

/** Of these, what went on to a node that ran, as behind a balancer; and what any message took at the time. */
function elsewhere(rebinds: readonly Rebind[]): string {
  const roamers = rebinds.filter(({ session }) => session.startsWith('roaming'))
  const moved = spread(roamers.flatMap(({ okAfterBindMs }) => okAfterBindMs ?? []))
  const others = spread(rebinds.flatMap(({ meanwhileMs }) => meanwhileMs ?? []))
  return [
    moved === null ? '' : `; ${Math.round(moved.p95)} ms of the ${moved.count} at the next node`,
    others === null ? '' : `; any message took ${Math.round(others.p95)} ms meanwhile`,
  ].join('')
}

const CONNECTORS_GOAL_MS = 1000
const REBIND_GOAL_MS = 100
const PLANNED_GOAL_MS = 50
const HOSTS_GOAL_MS = 800
/** How what a dead host is called ends. */
export const LOSES_POWER = 'loses its power'
/** How what a transfer is called ends: `node 2 hands leadership over`. */
export const HANDS_OVER = 'hands leadership over'

function twice(
  count: number,
  { bindsEnded, window, bound }: NonNullable<Evidence['duplicateBound']>,
): Check {
  const more = bound - bindsEnded * window
  return must(
    'messages sent twice upstream stay within the bound',
    count <= bound,
    `${count}`,
    `at most ${bound}: ${bindsEnded} binds ended × window ${window}` +
      (more > 0 ? `, and ${more} by the fault` : ''),
  )
}

function must(name: string, ok: boolean, found: string, expected: string): Check {
  return { kind: 'must', name, ok, found, expected }
}

function goal(name: string, ok: boolean, found: string, expected: string): Check {
  return { kind: 'goal', name, ok, found, expected }
}

function listed(items: readonly string[]): string {
  if (items.length === 0) return ''
  return `: ${items.slice(0, 5).join(', ')}${items.length > 5 ? ', …' : ''}`
}
