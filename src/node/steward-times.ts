import { expiredDeliveries, overdueParts } from '../front/index.js'
import type { AccountState, ConnectorState, Journal, Ref } from '../journal/index.js'
import { BANS_STEP, indexOf, MARK, rangesIn, refOf } from '../journal/index.js'
import { RETIRE_STEP, UNAWAITED_STEP } from '../journal/apply-retire.js'
import type { StewardDecision } from './steward.js'

// What time itself ends: retention, receipts that nobody fetches, validity where no home looks after it.

/** Receipts and MO of one account, and messages of one connector, that one step looks at. */
const STEP = 500
/** Lingering blocks that one step looks at. */
const LINGERING_STEP = 256
/** Beyond a message's validity a receipt is waited for this long. */
const RECEIPT_GRACE_MS = 86_400_000
/** Receipts that fit no message wait for it this long, as at a home. */
const ORPHAN_MS = 3_600_000

/** @param nowMs  wall clock */
export function commandsOfTime(journal: Journal, nowMs: number): StewardDecision[] {
  const { accounts, connectors } = journal.state
  return [
    ...retirements(journal, nowMs),
    ...[...accounts.values()].flatMap(account => forgottenDeliveries(journal, account, nowMs)),
    ...[...accounts.values()].flatMap(account => partsThatWait(account, nowMs)),
    ...[...accounts.values()].flatMap(account => lostForGood(account, nowMs)),
    ...[...connectors.values()].flatMap(connector => homeless(journal, connector, nowMs)),
    ...bansThatAreOver(journal, nowMs),
  ]
}

function bansThatAreOver({ state }: Journal, nowMs: number): StewardDecision[] {
  const over: { account: number; address: string }[] = []
  for (const { account, address, untilMs } of state.bans.all())
    if (untilMs <= nowMs && over.length < BANS_STEP) over.push({ account, address })
  return over.length === 0 ? [] : [{ kind: 'liftBans', bans: over }]
}

/** Blocks whose retention is over, and receipts that will not come any more. */
export function retirements(journal: Journal, nowMs: number): StewardDecision[] {
  const { state } = journal
  const { retentionMs, validityMs } = state.settings
  const upTo = retireUpTo(journal, nowMs - retentionMs)
  const unawaited: number[] = []
  let looked = 0
  for (const index of state.lingering) {
    if (++looked > LINGERING_STEP || unawaited.length >= UNAWAITED_STEP) break
    const block = state.blocks.get(index)
    if (block === undefined || nowMs - block.proposedAtMs < validityMs + RECEIPT_GRACE_MS) continue
    for (let offset = 0; offset < block.count; offset++)
      if (block.mark(offset) === MARK.SENT && block.awaited(offset)) {
        unawaited.push(index)
        break
      }
  }
  if (upTo === state.retireFloor && unawaited.length === 0) return []
  return [{ kind: 'retire', upTo, unawaited }]
}

/**
 * The index below which everything was proposed before `beforeMs`, one step from the floor at most. The floor
 * itself where nothing below is left to be retired: an idle cluster appends nothing.
 */
function retireUpTo({ state }: Journal, beforeMs: number): number {
  const end = Math.min(state.retireFloor + RETIRE_STEP, state.appliedIndex)
  let old = false
  for (let index = state.retireFloor; index < end; index++) {
    const block = state.blocks.get(index)
    if (block === undefined) continue // carried no messages, or they are forgotten
    if (block.proposedAtMs >= beforeMs) return old ? index : state.retireFloor
    old = true
  }
  // A whole step without blocks lies behind somebody's back: pass it only where there is more beyond.
  return old || end === state.retireFloor + RETIRE_STEP ? end : state.retireFloor
}

/** Receipts and MO of an account without owner that waited longer than receiptTtl. */
function forgottenDeliveries(
  journal: Journal,
  account: AccountState,
  nowMs: number,
): StewardDecision[] {
  if (account.owner !== null || account.owed === 0) return []
  const seqs = expiredDeliveries(journal.state, account, nowMs, STEP)
  const { number, epoch } = account
  return seqs.length === 0
    ? []
    : [{ kind: 'delivered', account: number, epoch, seqs, expired: true }]
}

/** Parts of MO of an account without owner that have waited long enough for the rest. */
function partsThatWait(account: AccountState, nowMs: number): StewardDecision[] {
  if (account.owner !== null || account.longMos.size === 0) return []
  const refs = overdueParts(account, nowMs)
  const { number, epoch } = account
  return refs.length === 0 ? [] : [{ kind: 'giveUpParts', account: number, epoch, refs }]
}

/** Submits whose resubmission window is over. */
function lostForGood(account: AccountState, nowMs: number): StewardDecision[] {
  const { number, resubmissions, settings } = account
  if (resubmissions.lostCount === 0) return []
  const refs = resubmissions.lostBefore(nowMs - (settings?.resubmissionWindowMs ?? 0), STEP)
  return refs.length === 0 ? [] : [{ kind: 'forgetLost', account: number, refs }]
}

/** What the home of a connector would see to, had it one. */
function homeless(journal: Journal, connector: ConnectorState, nowMs: number): StewardDecision[] {
  if (connector.home !== null) return []
  const { number, epoch } = connector
  const { state } = journal
  const decisions: StewardDecision[] = []
  const refs: Ref[] = []
  const buckets: number[] = []
  for (const [second, bucket] of connector.expiries) {
    if (second * 1000 > nowMs || refs.length >= STEP) continue
    buckets.push(second)
    for (const { index, lo, hi } of rangesIn(bucket))
      for (let offset = lo; offset < hi; offset++)
        if (state.blocks.get(index)?.outlives(offset, nowMs) !== true)
          refs.push(refOf(index, offset))
  }
  refs.push(...unsaidExpiries(journal, connector, nowMs))
  if (refs.length + buckets.length > 0)
    decisions.push({
      kind: 'expire',
      connector: number,
      epoch,
      refs,
      buckets,
      seen: state.appliedIndex,
    })
  let orphans = 0
  for (const { ref } of connector.orphans.values()) {
    const sinceMs = begunAt(journal, ref)
    if (orphans >= STEP || (sinceMs !== undefined && nowMs - sinceMs < ORPHAN_MS)) break
    orphans++
  }
  if (orphans > 0)
    decisions.push({ kind: 'forgetOrphans', connector: number, epoch, count: orphans })
  return decisions
}

/** Messages at the queue's heads that said no validity_period and are over the gateway's. */
function unsaidExpiries(journal: Journal, connector: ConnectorState, nowMs: number): Ref[] {
  const { state } = journal
  const refs: Ref[] = []
  if (connector.queued === 0) return refs
  for (const { index, lo, hi } of connector.queue.heads(4)) {
    const block = state.blocks.get(index)
    if (block === undefined || nowMs - block.proposedAtMs < state.settings.validityMs) continue
    for (let offset = lo; offset < hi && refs.length < STEP; offset++)
      if (block.mark(offset) === MARK.QUEUED && !block.explicitValidity(offset))
        refs.push(refOf(index, offset))
  }
  return refs
}

function begunAt({ state }: Journal, ref: Ref): number | undefined {
  return state.blocks.get(indexOf(ref))?.proposedAtMs
}
