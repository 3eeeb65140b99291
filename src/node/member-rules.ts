import type { MemberDetail } from '../api/shapes.js'

// What may be done to the membership, judged by the leader. Pure; the wording is for operators.

/** Learners included. More voters cost every message, and protect against nothing that seven do not. */
const MEMBERS_MAX = 9

export interface MembersJudged {
  members: readonly MemberDetail[]
  /** Ids of all nodes that ever took part. */
  everKnown: ReadonlySet<number>
}

/** Why a change is refused; undefined: it may be made. `status`: of the HTTP answer. */
export type Objection = { status: 404 | 409; detail: string } | undefined

export function objectionToAdd(
  { members, everKnown }: MembersJudged,
  { id, address }: { id: number; address: string },
): Objection {
  const present = members.find(member => member.id === id)
  if (present?.address === address) return undefined // asked again
  const holder = members.find(member => member.address === address)
  if (holder !== undefined) return conflict(`${address} is the address of node ${holder.id}`)
  if (present !== undefined) {
    // of a learner that never came up the address may be wrong
    if (present.role === 'learner' && !everKnown.has(id)) return undefined
    return conflict(`node ${id} is a member already, at ${present.address}`)
  }
  if (everKnown.has(id)) {
    const free = Math.max(...everKnown, ...members.map(member => member.id)) + 1
    return conflict(
      `node ${id} was a member before, and ids are never given twice: a voter that has forgotten its ` +
        `votes must not come back. Add it under a new id, such as ${free}`,
    )
  }
  if (members.length >= MEMBERS_MAX)
    return conflict(`there are ${members.length} members, the most there may be: remove one first`)
  return undefined
}

export function objectionToPromote({ members }: MembersJudged, id: number): Objection {
  const member = members.find(one => one.id === id)
  if (member === undefined) return unknown(id)
  if (member.role === 'voter') return undefined
  if (!member.alive) return conflict(`node ${id} is not heard: start it`)
  if (!member.caughtUp) return conflict(`node ${id} has not caught up: ${member.lag} entries to go`)
  const voters = members.filter(one => one.role === 'voter' || one.id === id)
  return lacksQuorum(voters, `with node ${id}`, 'start one of the others first')
}

export function objectionToRemove({ members }: MembersJudged, id: number): Objection {
  const member = members.find(one => one.id === id)
  if (member === undefined) return unknown(id)
  if (member.role === 'learner') return undefined
  const voters = members.filter(one => one.role === 'voter' && one.id !== id)
  if (voters.length === 0)
    return conflict(`node ${id} is the only voter: add another node before you remove it`)
  const dead = voters.filter(one => !one.alive).map(one => one.id)
  const remedy = member.alive
    ? `remove ${nodes(dead)} instead, or start ${dead.length === 1 ? 'it' : 'them'} first`
    : `start ${nodes(dead)}, or add another node, first`
  return lacksQuorum(voters, `without node ${id}`, remedy)
}

/** Connectors that only these nodes may run, of which none would be left. */
export function strandedConnectors(
  connectors: Iterable<{ id: string; nodes: readonly number[] }>,
  members: readonly { id: number }[],
  id: number,
): string[] {
  const stay = new Set(members.map(member => member.id).filter(member => member !== id))
  return [...connectors].flatMap(({ id: connector, nodes: allowed }) =>
    allowed.includes(id) && !allowed.some(node => stay.has(node)) ? [connector] : [],
  )
}

function lacksQuorum(voters: readonly MemberDetail[], when: string, remedy: string): Objection {
  const alive = voters.filter(one => one.alive).length
  const quorum = Math.floor(voters.length / 2) + 1
  if (alive >= quorum) return undefined
  return conflict(
    `${when} there would be ${voters.length} voters (${nodes(voters.map(one => one.id))}), of which ` +
      `${alive} ${alive === 1 ? 'is' : 'are'} heard and ${quorum} are needed: nothing could be committed. Do this: ${remedy}`,
  )
}

const nodes = (ids: readonly number[]): string =>
  `node${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`

const conflict = (detail: string): Objection => ({ status: 409, detail })

const unknown = (id: number): Objection => ({ status: 404, detail: `there is no member ${id}` })
