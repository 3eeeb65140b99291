import { isDisabled } from '../policy/settings.js'
import {
  AcceptRecords,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_MULTI,
  FLAG_SCHEDULED,
  FLAG_SHORT_ID,
  FLAG_TRANSACTION,
  FLAG_WATCHED,
} from './accept-record.js'
import type { AccountState } from './accounts.js'
import type { Applying } from './apply.js'
import { firstAccepted, firstOf, likelyFirstOf, refusedAnyway } from './apply-resubmissions.js'
import { MARK } from './marks.js'
import type { Accept, AcceptedMessages, CommandResult, Refusal } from './commands.js'
import { levelOf } from './connector-queue.js'
import type { ConnectorState } from './connectors.js'
import type { Ref } from './ids.js'
import { indexOf, offsetOf, refOf } from './ids.js'
import { dropUnclaimed } from './message-life.js'
import { wantsNotifications } from './notifications.js'
import { refused } from './results.js'
import { disables, keepsOneId, transacts } from './rules.js'
import type { State } from './state.js'

/** Queues submitted messages under the place where they lie; queueLimit is exact. */
export function applyAccept(applying: Applying, command: Accept): CommandResult {
  const { state, index, entry } = applying
  const block = applying.block!
  const connector = state.connectors.get(command.connector)
  const accepted: AcceptedMessages = { first: applying.offset, count: command.count, refused: [] }
  const run = new Run(connector, index, levelOf(command.priority))
  let account: AccountState | undefined
  for (const record = new AcceptRecords(command.records); record.next();) {
    const offset = applying.offset++
    if (account?.number !== record.account) {
      account = state.accounts.get(record.account)
      account?.touch()
    }
    const other = hasOtherId(applying, account, record)
    const first = other ? undefined : firstOf(applying, account, record)
    if (first !== undefined) {
      block.begin(offset, MARK.REFUSED, record.account, command.connector)
      accepted.matched ??= []
      accepted.matched.push([offset, first])
      if ((record.flags & FLAG_MULTI) !== 0 && keepsOneId(state))
        headOf(applying, record.multi, state.blocks.headOf(first))
      run.end()
      continue
    }
    const no = other ? 'otherId' : refusalOf(state, connector, account)
    if (no !== undefined) {
      block.begin(offset, MARK.REFUSED, record.account, command.connector)
      accepted.refused.push([offset, no])
      run.end()
      continue
    }
    const explicit = (record.flags & FLAG_EXPLICIT_VALIDITY) !== 0
    block.begin(offset, MARK.QUEUED, record.account, command.connector)
    block.setWishes(
      offset,
      command.priority,
      record.registered_delivery,
      explicit,
      record.addressHash,
    )
    if ((record.flags & FLAG_WATCHED) !== 0) block.setWatched(offset)
    if (wantsNotifications(state, record)) block.setNotified(offset, true)
    if ((record.flags & FLAG_TRANSACTION) !== 0 && transacts(state)) block.setTransaction(offset)
    const head =
      (record.flags & FLAG_MULTI) === 0
        ? offset
        : offsetOf(headOf(applying, record.multi, refOf(index, offset)))
    if (head !== offset) {
      block.setHead(offset, head)
      state.hash.mix(head)
    } else if ((record.flags & FLAG_SHORT_ID) !== 0) state.aliases.add(block, offset)
    if (record.fingerprint !== undefined)
      firstAccepted(applying, account!, record, refOf(index, offset))
    account!.queued++
    const scheduled = (record.flags & FLAG_SCHEDULED) !== 0
    const due = scheduled ? Math.ceil(record.dueAtMs / 1000) : 0
    if (scheduled) {
      block.setMark(offset, MARK.RETRY)
      connector!.schedules.size++
      state.hash.mix(due)
    }
    run.extend(offset, explicit ? Math.ceil(record.expiresAtMs / 1000) : 0, scheduled, due)
  }
  run.end()
  const matched = accepted.matched ?? []
  if (connector !== undefined) {
    connector.queued += command.count - accepted.refused.length - matched.length
    connector.touch()
    applying.effects.wakeConnector(connector.home?.node, connector.number)
  }
  if (block.aliasBase !== 0) state.hash.mix(state.aliases.next)
  state.hash.mix(command.count * 4096 + accepted.refused.length)
  for (const [offset] of accepted.refused) state.hash.mix(refOf(entry.node, offset))
  for (const [, first] of matched) state.hash.mix(first)
  return { ok: true, accepted }
}

/** Whose id the ESME of this submit_multi is told: that of `own`, where it is the first one. */
function headOf(applying: Applying, multi: number, own: Ref): Ref {
  applying.heads ??= new Map()
  const head = applying.heads.get(multi) ?? own
  applying.heads.set(multi, head)
  return head
}

/**
 * Whether it would have an id that its submit_multi's response cannot name: others of it were submitted before and this one
 * was not, or the other way round, or not all of them together. The front end looks for that too, and before others' commits.
 */
function hasOtherId(
  applying: Applying,
  account: AccountState | undefined,
  record: AcceptRecords,
): boolean {
  const { state, index, heads } = applying
  if ((record.flags & FLAG_MULTI) === 0 || account === undefined || !keepsOneId(state)) return false
  const head = heads?.get(record.multi)
  if (head === undefined) return false
  const first = likelyFirstOf(applying, account, record)
  return first === undefined ? indexOf(head) !== index : state.blocks.headOf(first) !== head
}

function refusalOf(
  state: State,
  connector: ConnectorState | undefined,
  account: AccountState | undefined,
): Refusal | undefined {
  if (connector?.settings === undefined) return 'noRoute'
  if (account?.settings === undefined) return 'noAccount'
  if (isDisabled(account.settings) && disables(state)) return 'accountDisabled'
  return account.queued >= account.settings.queueLimit ? 'queueFull' : undefined
}

/**
 * Joins accepted neighbours to one range of the queue, or of those that are due in the same second, and those of one expiry
 * second to one of its bucket.
 */
class Run {
  private readonly connector: ConnectorState | undefined
  private readonly index: number
  private readonly level: number
  private lo = 0
  private hi = 0
  private scheduled = false
  private due = 0
  private expiryLo = 0
  private second = 0

  constructor(connector: ConnectorState | undefined, index: number, level: number) {
    this.connector = connector
    this.index = index
    this.level = level
  }

  /** @param due  the second in which it is due, where it is `scheduled` */
  extend(offset: number, second: number, scheduled: boolean, due: number): void {
    if (scheduled !== this.scheduled || due !== this.due) {
      this.end()
      this.scheduled = scheduled
      this.due = due
    }
    if (this.hi === this.lo) this.lo = this.hi = this.expiryLo = offset
    if (second !== this.second) {
      this.endExpiry()
      this.second = second
    }
    this.hi = offset + 1
  }

  end(): void {
    if (this.hi > this.lo) {
      const { schedules, queue } = this.connector!
      if (this.scheduled) schedules.add(this.due, this.index, this.lo, this.hi)
      else queue.append(this.level, this.index, this.lo, this.hi)
    }
    this.endExpiry()
    this.lo = this.hi
    this.second = 0
  }

  private endExpiry(): void {
    if (this.second > 0 && this.hi > this.expiryLo)
      this.connector!.addExpiry(this.second, this.index, this.expiryLo, this.hi)
    this.expiryLo = this.hi
  }
}

/**
 * Makes a submit proposal that was refused to its ESMEs stay refused (DESIGN I8): one not applied yet
 * never will be, and of one that was, what is unclaimed is dropped; what is not, is counted.
 */
export function applyVoid(applying: Applying, number: number): CommandResult {
  const { state, entry } = applying
  const node = state.nodes.get(entry.node)
  if (node === undefined || number < node.lowest || number >= entry.number)
    return refused('staleNumber', `${number} is not open`)
  const outcome = state.nodes.outcomeOf(entry.node, number)
  if (outcome === undefined) {
    const why: CommandResult = { ok: false, why: 'voided' }
    state.nodes.keep(entry.node, number, { index: applying.index, results: [why] })
    return { ok: true, voided: 0, tooLate: 0 }
  }
  let voided = 0
  let tooLate = 0
  for (const result of outcome.results) {
    if (!('accepted' in result)) continue
    const { first, count, matched = [] } = result.accepted
    const earlier = new Map(matched)
    for (const ref of earlier.values()) refusedAnyway(applying, ref)
    for (let offset = first; offset < first + count; offset++) {
      if (earlier.has(offset)) continue
      const ref = refOf(outcome.index, offset)
      const block = state.blocks.get(outcome.index)
      const mark = block?.mark(offset)
      if (mark === MARK.REFUSED) continue
      if (block?.matched(offset) === true) {
        tooLate++ // its ESME has it under another submit, which was not refused
        continue
      }
      const untried = mark === MARK.QUEUED && block!.attempts(offset) === 0
      if (untried || block?.isScheduled(offset) === true) {
        state.accounts.get(block!.account(offset))?.resubmissions.drop(ref)
        dropUnclaimed(applying, ref)
        voided++
      } else {
        refusedAnyway(applying, ref)
        tooLate++
      }
    }
  }
  return { ok: true, voided, tooLate }
}
