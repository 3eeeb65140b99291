import type { ConfigurationChange } from './engine-conf.js'
import type { Engine } from './engine.js'
import type { Configuration, Membership } from './log/records.js'
import type { Member, MemberChange } from './types.js'

/** The members' addresses after a change that made `configuration`. */
export function membersAfter(
  before: readonly Member[],
  change: ConfigurationChange,
  configuration: Configuration,
): Member[] {
  const known = new Map([...before, ...change.members].map(member => [member.id, member]))
  const { voters, learners, votersOutgoing, learnersNext } = configuration
  const ids = new Set([...voters, ...learners, ...votersOutgoing, ...learnersNext])
  return [...ids].sort((a, b) => a - b).map(id => known.get(id) ?? { id, address: '' })
}

/** What has to be proposed for these wishes; undefined when all of them are fulfilled. */
export function planChange(
  membership: Membership,
  changes: readonly MemberChange[],
): ConfigurationChange | undefined {
  const { voters, learners } = membership.configuration
  const planned: ConfigurationChange = { changes: [], members: [] }
  for (const change of changes) {
    if (change.kind === 'remove') {
      if (voters.includes(change.id) || learners.includes(change.id)) {
        planned.changes.push({ kind: 'remove', id: change.id })
      }
      continue
    }
    const { id, address } = change.member
    const present = change.kind === 'addVoter' ? voters.includes(id) : learners.includes(id)
    const known = membership.members.find(member => member.id === id)
    if (present && known?.address === address) continue
    planned.changes.push({ kind: present ? 'update' : change.kind, id })
    planned.members.push({ id, address })
  }
  return planned.changes.length === 0 ? undefined : planned
}

/** Whether the node `id` stops being a voter by these changes. */
export function losesVote(id: number, changes: readonly MemberChange[]): boolean {
  return changes.some(change =>
    change.kind === 'remove'
      ? change.id === id
      : change.kind === 'addLearner' && change.member.id === id,
  )
}

/** The voter that is best fit to lead instead of this node: the furthest of those close behind; undefined for none. */
export function successor(
  engine: Engine,
  self: number,
  without: readonly MemberChange[] = [],
): number | undefined {
  const { voters } = engine.configuration
  const fit = [...engine.progress()].filter(
    ([id, progress]) =>
      id !== self && voters.includes(id) && progress.closeBehind && !losesVote(id, without),
  )
  fit.sort(([, a], [, b]) => b.matchIndex - a.matchIndex)
  return fit[0]?.[0]
}
