import { assertNever } from '../base/assert.js'
import { applyBans, applyLiftBans } from './apply-bans.js'
import { applyCancel } from './apply-cancel.js'
import {
  applyClaim,
  applyExpire,
  applyOutcomes,
  applyRequeue,
  applyResolveDoubt,
} from './apply-dispatch.js'
import { applyDelivered, applyForgetOrphans, applyInbound } from './apply-inbound.js'
import {
  applyBind,
  applyDraining,
  applyEndSession,
  applyLinkState,
  applyNodeDown,
  applyRegisterBoot,
  applyRelieve,
  applyReleaseHome,
} from './apply-nodes.js'
import { applyGiveUpParts } from './apply-long-mos.js'
import { applySentParts } from './apply-parts.js'
import { applyReplace } from './apply-replace.js'
import { applyForgetLost, applyWritten } from './apply-resubmissions.js'
import { applyRetire } from './apply-retire.js'
import { applyDue } from './apply-schedules.js'
import { applyBootstrap, applySettings } from './apply-settings.js'
import { applyAccept, applyVoid } from './apply-submit.js'
import { Block } from './block.js'
import type { Command, CommandResult, Outcome } from './commands.js'
import type { Effects } from './effects.js'
import type { Entry } from './entry.js'
import { decodeEntry } from './entry.js'
import type { Ref } from './ids.js'
import { OPEN_PROPOSALS_MAX } from './nodes.js'
import type { State } from './state.js'
import { HASH_EVERY } from './state.js'

/** What the appliers of one entry share. */
export interface Applying {
  readonly state: State
  readonly effects: Effects
  readonly entry: Entry
  readonly index: number
  /** Marks of the entry's messages; undefined where it carries none. */
  readonly block: Block | undefined
  /** Offset of the next message of the entry. */
  offset: number
  /** Of each submit_multi in the entry, the message whose id its ESME is told. */
  heads?: Map<number, Ref>
}

/**
 * Applies one committed entry: changes `state` in place and adds to `effects`. A pure function of the
 * two (DESIGN I7): no clock, no chance, no network, no search. Never throws on content; what cannot be
 * decoded or done is refused, the same way on every node.
 *
 * Source: Raft thesis §6.3: a repeated proposal gets the first answer again.
 */
export function applyEntry(state: State, effects: Effects, index: number, octets: Buffer): void {
  const entry = octets.length > 0 ? decodeEntry(octets) : undefined
  if (entry !== undefined) applyDecoded(state, effects, index, entry)
  state.appliedIndex = index
  if (index % HASH_EVERY === 0) state.comparable = { index, hash: state.hash.value }
}

function applyDecoded(state: State, effects: Effects, index: number, entry: Entry): void {
  if (!isStanding(state, entry)) return
  const earlier = state.nodes.outcomeOf(entry.node, entry.number)
  if (earlier !== undefined) return decided(effects, entry, earlier)
  if (entry.number > 0) state.nodes.forgetBelow(entry.node, entry.lowestUnanswered)

  const block = entry.messages > 0 ? new Block(index, entry.messages, entry) : undefined
  const applying: Applying = { state, effects, entry, index, block, offset: 0 }
  if (block !== undefined) state.blocks.add(block)
  const results = entry.commands.map(command => applyCommand(applying, command))
  if (block?.open === 0) {
    state.blocks.remove(block)
    state.addRelease(index)
  }

  const outcome = { index, results }
  if (entry.number > 0) state.nodes.keep(entry.node, entry.number, outcome)
  decided(effects, entry, outcome)
  state.hash.mix(index)
  for (const result of results) state.hash.mix(result.ok ? 1 : 2)
}

/** Whether a proposal may be applied at all: a living boot, and a number inside its window (DESIGN I4). */
function isStanding(state: State, entry: Entry): boolean {
  const registers = entry.commands.some(({ kind }) => kind === 'registerBoot')
  // A boot begins outside its own numbering, alone.
  if (entry.number === 0) return registers && entry.commands.length === 1
  const node = state.nodes.get(entry.node)
  return (
    !registers &&
    node?.alive === true &&
    node.boot === entry.boot &&
    entry.number >= node.lowest &&
    entry.number < node.lowest + 2 * OPEN_PROPOSALS_MAX &&
    entry.lowestUnanswered <= entry.number &&
    entry.number < entry.lowestUnanswered + OPEN_PROPOSALS_MAX
  )
}

function decided(effects: Effects, entry: Entry, outcome: Outcome): void {
  const { node, boot, number } = entry
  effects.push({ kind: 'decided', node, boot, number, outcome })
}

function applyCommand(applying: Applying, command: Command): CommandResult {
  switch (command.kind) {
    case 'accept':
      return applyAccept(applying, command)
    case 'claim':
      return applyClaim(applying, command)
    case 'outcomes':
      return applyOutcomes(applying, command)
    case 'sentParts':
      return applySentParts(applying, command)
    case 'requeue':
      return applyRequeue(applying, command)
    case 'expire':
      return applyExpire(applying, command)
    case 'inbound':
      return applyInbound(applying, command)
    case 'delivered':
      return applyDelivered(applying, command)
    case 'giveUpParts':
      return applyGiveUpParts(applying, command)
    case 'forgetOrphans':
      return applyForgetOrphans(applying, command)
    case 'bind':
      return applyBind(applying, command)
    case 'endSession':
      return applyEndSession(applying, command.session)
    case 'registerBoot':
      return applyRegisterBoot(applying, command)
    case 'nodeDown':
      return applyNodeDown(applying, command.node, command.boot)
    case 'relieve':
      return applyRelieve(applying, command.node, command.boot)
    case 'draining':
      return applyDraining(applying, command.node, command.boot, command.draining)
    case 'releaseHome':
      return applyReleaseHome(applying, command.connector, command.epoch)
    case 'linkState':
      return applyLinkState(applying, command.connector, command.epoch, command.binds)
    case 'resolveDoubt':
      return applyResolveDoubt(applying, command)
    case 'void':
      return applyVoid(applying, command.number)
    case 'settings':
      return applySettings(applying, command)
    case 'bootstrap':
      return applyBootstrap(applying, command.generation)
    case 'written':
      return applyWritten(applying, command)
    case 'forgetLost':
      return applyForgetLost(applying, command.account, command.refs)
    case 'due':
      return applyDue(applying, command)
    case 'cancel':
      return applyCancel(applying, command)
    case 'ban':
      return applyBans(applying, command)
    case 'liftBans':
      return applyLiftBans(applying, command)
    case 'replace':
      return applyReplace(applying, command)
    case 'retire':
      return applyRetire(applying, command.upTo, command.unawaited)
    default:
      return assertNever(command)
  }
}
