import { isDisabled } from '../policy/settings.js'
import type { AccountState } from './accounts.js'
import type { Applying } from './apply.js'
import { putInDoubt } from './apply-dispatch.js'
import { loseFirsts } from './apply-resubmissions.js'
import type { Bind, Command, CommandResult } from './commands.js'
import type { ConnectorState } from './connectors.js'
import { homeOf } from './epochs.js'
import { detach, subjectOf } from './message-life.js'
import { available, pickHome, pickOwner, uneven } from './placement.js'
import { OK, refused } from './results.js'
import { agreeOnRules, disables, relieves } from './rules.js'

/** Binds a session; maxSessions is exact over all nodes. */
export function applyBind(applying: Applying, { session }: Bind): CommandResult {
  const { state, entry } = applying
  const account = state.accounts.get(session.account)
  if (account?.settings === undefined || session.node !== entry.node) return refused('noAccount')
  if (disables(state) && isDisabled(account.settings)) return refused('accountDisabled')
  if (!account.settings.bindTypes.includes(session.bindType)) return refused('bindTypeNotAllowed')
  if (account.sessions.size >= account.settings.maxSessions) return refused('tooManySessions')
  if (state.sessions.has(session.id)) return refused('conflict')
  state.addSession(account, session)
  placeOwner(applying, account)
  state.hash.mixText(session.id)
  return OK
}

export function applyEndSession(applying: Applying, id: string): CommandResult {
  const { state, effects } = applying
  const account = state.sessions.get(id)
  const session = account?.sessions.get(id)
  if (account === undefined || session === undefined) return refused('notFound')
  state.dropSession(id)
  loseFirsts(applying, account, [id])
  effects.push({ kind: 'sessionEnded', node: session.node, session: id })
  placeOwner(applying, account)
  state.hash.mixText(id)
  return OK
}

/**
 * A process begins. Whatever an earlier one of this node held ends in the same entry, however fast it
 * came back: it has lost its memory (DESIGN I4).
 */
export function applyRegisterBoot(
  applying: Applying,
  { node, boot, rules = 0 }: Extract<Command, { kind: 'registerBoot' }>,
): CommandResult {
  const { state, entry } = applying
  const known = state.nodes.get(node)
  if (entry.node !== node || entry.boot !== boot) return refused('malformed')
  if (known !== undefined && boot <= known.boot) return refused('staleBoot')
  if (known?.alive === true) endBoot(applying, node)
  state.nodes.register(node, boot, rules)
  state.hash.mix(node * 65536 + boot)
  agreeOnRules(state)
  settleIn(applying)
  return OK
}

/** The leader's word that a node is unreachable. */
export function applyNodeDown(applying: Applying, node: number, boot: number): CommandResult {
  const known = applying.state.nodes.get(node)
  if (known?.alive !== true || known.boot !== boot) return refused('staleBoot')
  endBoot(applying, node)
  applying.state.hash.mix(node)
  return OK
}

/**
 * The leader's word that it does not hear a node for now: others get what it ran, at once, and it gets nothing new until
 * it says that it takes part again (`draining: false`). What nobody else can run or deliver stays its own.
 */
export function applyRelieve(applying: Applying, node: number, boot: number): CommandResult {
  const { state } = applying
  if (!relieves(state)) return refused('malformed')
  const known = state.nodes.get(node)
  if (known?.alive !== true || known.boot !== boot) return refused('staleBoot')
  state.nodes.set({ ...known, draining: true })
  for (const connector of state.connectors.values()) {
    unwant(connector, node)
    if (connector.home?.node !== node) continue
    const to = pickHome(state, connector)
    if (to !== null) moveHome(applying, connector, to)
  }
  for (const account of state.accounts.values())
    if (account.owner?.node === node && pickOwner(state, account) !== null)
      placeOwner(applying, account)
  state.hash.mix(node)
  return OK
}

/** A node that drains takes nothing new and is asked to hand over what it holds; or it is back. */
export function applyDraining(
  applying: Applying,
  node: number,
  boot: number,
  draining: boolean,
): CommandResult {
  const { state } = applying
  const known = state.nodes.get(node)
  if (known?.alive !== true || known.boot !== boot) return refused('staleBoot')
  state.nodes.set({ ...known, draining })
  for (const connector of state.connectors.values())
    if (draining && connector.home?.node === node)
      want(applying, connector, pickHome(state, connector))
  for (const account of state.accounts.values()) placeOwner(applying, account)
  if (!draining) settleIn(applying)
  state.hash.mix(node)
  return OK
}

/** The home gives its connector up; what it still had claimed comes into doubt. */
export function applyReleaseHome(
  applying: Applying,
  connector: number,
  epoch: number,
): CommandResult {
  const held = homeOf(applying, { connector, epoch })
  if (held?.home == null) return refused('staleEpoch')
  const to = held.wanted ?? pickHome(applying.state, held)
  moveHome(applying, held, to)
  return OK
}

export function applyLinkState(
  applying: Applying,
  connector: number,
  epoch: number,
  binds: number,
): CommandResult {
  const held = homeOf(applying, { connector, epoch })
  if (held === undefined) return refused('staleEpoch')
  held.binds = binds
  held.touch()
  return OK
}

/** Gives homeless connectors a home, and evens the spread out. */
export function settleIn(applying: Applying): void {
  const { state } = applying
  for (const connector of state.connectors.values())
    if (connector.home === null && connector.settings !== undefined)
      moveHome(applying, connector, pickHome(state, connector))
  for (let steps = state.connectors.size; steps > 0; steps--) {
    const step = uneven(state)
    if (step === null) return
    want(applying, step.connector, step.to)
  }
}

/**
 * A new epoch: claims of the old one are refused from here on, and what it had claimed is in doubt.
 */
export function moveHome(applying: Applying, connector: ConnectorState, to: number | null): void {
  const { state, effects, entry } = applying
  const from = connector.home?.node
  connector.epoch++
  connector.home = to === null ? null : { node: to, epoch: connector.epoch }
  connector.wanted = null
  connector.binds = 0
  connector.touch()
  for (const ref of [...connector.claims.keys()]) {
    const subject = subjectOf(applying, ref)
    if (subject === undefined) connector.dropClaim(ref)
    else if (detach(applying, subject)) putInDoubt(applying, subject, entry.proposedAtMs)
  }
  state.hash.mix(connector.number * 65536 + connector.epoch)
  state.hash.mix(to ?? 0)
  effects.wakeConnector(from, connector.number)
  effects.wakeConnector(to ?? undefined, connector.number)
}

/** The owner keeps the account while it has a receiver session; else another node that has one gets it. */
export function placeOwner(applying: Applying, account: AccountState): void {
  const { state, effects } = applying
  const from = account.owner?.node
  const keeps =
    from !== undefined &&
    available(state).some(({ node }) => node === from) &&
    [...account.sessions.values()].some(s => s.node === from && s.bindType !== 'tx')
  if (keeps) {
    effects.wakeAccount(from, account.number)
    return
  }
  const to = pickOwner(state, account)
  if (to === null && from === undefined) return
  account.epoch++
  account.owner = to === null ? null : { node: to, epoch: account.epoch }
  account.touch()
  state.hash.mix(account.number * 65536 + account.epoch)
  effects.wakeAccount(from, account.number)
  effects.wakeAccount(to ?? undefined, account.number)
}

function want(applying: Applying, connector: ConnectorState, to: number | null): void {
  if (to === null || connector.home?.node === to) return
  connector.wanted = to
  connector.touch()
  applying.state.hash.mix(to)
  applying.effects.wakeConnector(connector.home?.node, connector.number)
}

function unwant(connector: ConnectorState, node: number): void {
  if (connector.wanted !== node) return
  connector.wanted = null
  connector.touch()
}

function endBoot(applying: Applying, node: number): void {
  const { state, effects } = applying
  const known = state.nodes.get(node)!
  state.nodes.set({ ...known, alive: false, draining: false })
  effects.push({ kind: 'bootEnded', node, boot: known.boot })
  for (const account of state.accounts.values()) {
    const ended = [...account.sessions.values()].filter(session => session.node === node)
    for (const { id } of ended) state.dropSession(id)
    loseFirsts(
      applying,
      account,
      ended.map(({ id }) => id),
    )
    placeOwner(applying, account)
  }
  for (const connector of state.connectors.values()) {
    unwant(connector, node)
    if (connector.home?.node === node) moveHome(applying, connector, pickHome(state, connector))
  }
}
