import { isDisabled } from '../policy/settings.js'
import type { Applying } from './apply.js'
import { settleIn } from './apply-nodes.js'
import { usesWindow } from './apply-resubmissions.js'
import type { CommandResult, SettingsCommand } from './commands.js'
import { OK, refused } from './results.js'

/** Makes a new revision of the settings, for all nodes at this index. */
export function applySettings(applying: Applying, command: SettingsCommand): CommandResult {
  const { state, effects, index } = applying
  const { settings } = command
  if (command.expected !== null && command.expected !== state.revision)
    return refused('conflict', `revision ${state.revision} came in between`)
  if (!isComplete(settings)) return refused('malformed')
  if (JSON.stringify(settings) === JSON.stringify(state.settings)) return refused('unchanged')
  for (const connector of state.connectors.values()) {
    const waiting = connector.queued + connector.inFlight
    if (waiting > 0 && !settings.connectors.some(({ id }) => id === connector.id))
      return refused('inUse', `connector ${connector.id} still holds ${waiting} messages`)
  }

  const revision = state.revision + 1
  state.addRevision({ revision, index, atMs: command.atMs, author: command.author, settings })
  for (const connector of settings.connectors)
    if (state.connector(connector.id) === undefined) state.addConnector(connector.id)
  for (const account of settings.accounts)
    if (state.account(account.systemId) === undefined) state.addAccount(account.systemId)
  for (const connector of state.connectors.values()) {
    connector.settings = settings.connectors.find(({ id }) => id === connector.id)
    effects.wakeConnector(connector.home?.node, connector.number)
  }
  for (const account of state.accounts.values()) {
    account.settings = settings.accounts.find(({ systemId }) => systemId === account.systemId)
    if (!usesWindow(account.settings)) account.resubmissions.clear()
    if (account.settings !== undefined && !isDisabled(account.settings)) continue
    for (const session of account.sessions.values())
      effects.push({ kind: 'sessionEnded', node: session.node, session: session.id })
  }
  settleIn(applying)
  effects.push({ kind: 'settings', node: 'all', revision })
  state.hash.mix(revision)
  return { ok: true, revision }
}

/** Draws the generation of message ids, once. */
export function applyBootstrap({ state }: Applying, generation: number): CommandResult {
  if (state.generation >= 0) return refused('unchanged')
  if (generation > 0xffff) return refused('malformed')
  state.generation = generation
  state.hash.mix(generation)
  return OK
}

/** What apply itself reads must be there; the values are the receiving node's to check. */
function isComplete(settings: SettingsCommand['settings']): boolean {
  const lists: unknown[] = [
    settings.accounts,
    settings.connectors,
    settings.routes,
    settings.moRoutes,
  ]
  return (
    lists.every(list => Array.isArray(list)) &&
    settings.accounts.every(a => typeof a.systemId === 'string' && Array.isArray(a.bindTypes)) &&
    settings.connectors.every(
      c =>
        typeof c.id === 'string' &&
        Array.isArray(c.nodes) &&
        Number.isSafeInteger(c.binds * c.window) &&
        typeof (c.inDoubt as unknown) === 'object',
    )
  )
}
