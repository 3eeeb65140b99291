import { disables, type CommandResult, type State } from '../journal/index.js'
import { isDisabled, NO_SETTINGS, withEnabled, type GatewaySettings } from '../policy/settings.js'
import { isoTime } from './message-view.js'
import { page } from './page.js'
import type { ApiPorts } from './ports.js'
import { SettingsMistakes } from './ports.js'
import { badSettings, conflict, noQuorum, notFound } from './problems.js'
import { masked, settingsDiff } from './settings-diff.js'
import type { ApplyResult, List, RevisionView, SettingsView } from './shapes.js'

/** Reads and changes the gateway settings: every change is a revision, on all nodes at one log index. */
export class SettingsService {
  private readonly ports: ApiPorts
  /** Changes one after the other: hashing takes time, and each is compared with what it replaces. */
  private tail: Promise<unknown> = Promise.resolve()

  constructor(ports: ApiPorts) {
    this.ports = ports
  }

  /** @param revision  undefined: the current one */
  get(revision: number | undefined): SettingsView {
    const { state } = this.ports.journal
    const wanted = revision ?? state.revision
    if (wanted === 0 && revision === undefined)
      return { revision: 0, appliedAt: isoTime(0), settings: NO_SETTINGS }
    const found = state.revisions.get(wanted)
    if (found === undefined) throw notFound(`there is no revision ${wanted} (any more)`)
    return {
      revision: found.revision,
      appliedAt: isoTime(found.atMs),
      settings: masked(found.settings),
    }
  }

  /** Newest first. */
  history(after: string | undefined): List<RevisionView> {
    const { state } = this.ports.journal
    const newestFirst = [...state.revisions.values()].sort((a, b) => b.revision - a.revision)
    // Keys ascend in a page: what is left of a large number does.
    const keyOf = ({ revision }: { revision: number }): string =>
      String(9e15 - revision).padStart(16, '0')
    const { items, next } = page(newestFirst, keyOf, after)
    const views = items.map((revision): RevisionView => {
      const before = state.revisions.get(revision.revision - 1)
      const isFirst = revision.revision === 1
      return {
        revision: revision.revision,
        appliedAt: isoTime(revision.atMs),
        index: revision.index,
        origin: revision.author,
        changes:
          before !== undefined || isFirst
            ? settingsDiff(before?.settings ?? NO_SETTINGS, revision.settings)
            : [],
      }
    })
    return { items: views, next }
  }

  /** Makes the gateway file's contents the settings of all nodes, or (dry run) says what would change. */
  apply(text: string, dryRun: boolean, author: string): Promise<ApplyResult> {
    return this.inTurn(async () => {
      try {
        const wanted = this.ports.settings.parse(text)
        return await this.change(() => wanted, dryRun, author)
      } catch (error) {
        if (error instanceof SettingsMistakes) throw badSettings(error.errors)
        throw error
      }
    })
  }

  /** Makes a new revision with the contents of an old one. */
  rollback(revision: number, author: string): Promise<ApplyResult> {
    return this.inTurn(() => {
      const found = this.ports.journal.state.revisions.get(revision)
      if (found === undefined) throw notFound(`there is no revision ${revision} (any more)`)
      return this.change(() => found.settings, false, `${author}, back to revision ${revision}`)
    })
  }

  /** Lets an account take part, or not: a revision that differs from the current one in nothing else. */
  setEnabled(systemId: string, enabled: boolean, author: string): Promise<ApplyResult> {
    const wanted = (current: GatewaySettings): GatewaySettings => {
      if (!current.accounts.some(account => account.systemId === systemId))
        throw notFound(`there is no account ${systemId}`)
      const accounts = current.accounts.map(account =>
        account.systemId === systemId ? withEnabled(account, enabled) : account,
      )
      return { ...current, accounts }
    }
    return this.inTurn(() => this.change(wanted, false, author))
  }

  /** @param wanted  from what is in force then */
  private async change(
    wanted: (current: GatewaySettings) => GatewaySettings,
    dryRun: boolean,
    author: string,
  ): Promise<ApplyResult> {
    await this.ports.cluster.readIndex().catch((error: unknown) => {
      throw noQuorum(error)
    })
    const state: State = this.ports.journal.state
    const { revision, settings: current } = state
    const settings = await this.ports.settings.protect(wanted(current), current)
    if (!disables(state) && settings.accounts.some(isDisabled))
      throw conflict('accounts can be disabled when all nodes are updated, and not before')
    const changes = settingsDiff(current, settings)
    const same = JSON.stringify(settings) === JSON.stringify(current)
    if (dryRun || same) return { revision, changed: !same, dryRun, changes }
    const result = await this.propose(settings, revision, author)
    if (result.ok)
      return {
        revision: 'revision' in result ? result.revision : revision + 1,
        changed: true,
        dryRun,
        changes,
      }
    if (result.why === 'unchanged') return { revision, changed: false, dryRun, changes: [] }
    throw conflict(result.detail ?? result.why)
  }

  private propose(
    settings: GatewaySettings,
    expected: number,
    author: string,
  ): Promise<CommandResult> {
    const atMs = this.ports.clock.nowMs()
    return this.ports
      .command({ kind: 'settings', expected, settings, author, atMs })
      .catch((error: unknown) => {
        throw noQuorum(error)
      })
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = this.tail.then(change)
    this.tail = next.catch(() => undefined)
    return next
  }
}
