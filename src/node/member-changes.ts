import type { Group, MemberChange, Messenger } from '../../cluster/types.js'
import type { MembersPort } from '../api/ports.js'
import { MembersRefused } from '../api/ports.js'
import type { MembersView } from '../api/shapes.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Journal } from '../journal/index.js'
import type { Objection } from './member-rules.js'
import {
  objectionToAdd,
  objectionToPromote,
  objectionToRemove,
  strandedConnectors,
} from './member-rules.js'
import { MESSAGE_KIND } from './message-kinds.js'
import { Questions } from './questions.js'

/** A node that is removed gets so long to hand everything over. */
const DRAIN_MS = 10_000
/** A leader is waited for this long. */
const LEADER_MS = 5000
/** Longer than a membership change, and than a drain. */
const ANSWER_MS = 15_000
const LOOK_MS = 50
/** The steward of the leader notices within this that a node is no member any more. */
const ENDED_MS = 3000
/** Questions of other nodes that are under way here. */
const SERVED_MAX = 16
/** Questions of this node that wait for another one's answer. */
export const ASKED_MAX = 16

type Request =
  | { kind: 'list' }
  | { kind: 'add'; id: number; address: string }
  | { kind: 'promote'; id: number }
  /** Would `remove` be refused? */
  | { kind: 'mayRemove'; id: number }
  | { kind: 'remove'; id: number }
  /** To the node that is about to be removed. */
  | { kind: 'drain' }

type Answer =
  | { ok: true; view: MembersView }
  /** `moved`: another node leads, or will in a moment. */
  | { ok: false; status: number; detail: string; moved: boolean }

export interface MemberChangesOptions {
  journal: Journal
  messenger: Messenger
  clock: Clock
  timers: Timers
  logger: Logger
  electionTimeoutMs: number
  group(): Group | undefined
  leader(): number | null
  giveUpLeadership(): Promise<void>
  drain(deadlineMs: number): Promise<void>
}

/**
 * Changes of the membership as an operator asks for them, on whichever node: the leader judges
 * (member-rules.ts) and carries out, the others pass on to it.
 */
export class MemberChanges implements MembersPort {
  private readonly options: MemberChangesOptions
  private readonly questions: Questions<Request, Answer>
  private readonly cancel: Cancel
  /** What was committed one election timeout ago, and before: who has that on disk keeps up. */
  private commits: [earlier: number, now: number] = [Infinity, Infinity]
  private changing = false
  private stopped = false

  constructor(options: MemberChangesOptions) {
    this.options = options
    const { messenger, timers, electionTimeoutMs } = options
    this.questions = new Questions({
      messenger,
      timers,
      kinds: { question: MESSAGE_KIND.memberRequest, answer: MESSAGE_KIND.memberAnswer },
      answerMs: ANSWER_MS,
      askedMax: ASKED_MAX,
      servedMax: SERVED_MAX,
      serve: request => this.serve(request),
    })
    this.cancel = timers.every(electionTimeoutMs, () => {
      this.commits = [this.commits[1], options.group()?.status().commitIndex ?? Infinity]
    })
  }

  /** As the leader sees it; without one, as this node does. */
  async list(): Promise<MembersView> {
    if (this.options.leader() === null) return this.view()
    return this.atLeader({ kind: 'list' })
  }

  add(id: number, address: string): Promise<MembersView> {
    return this.atLeader({ kind: 'add', id, address })
  }

  promote(id: number): Promise<MembersView> {
    return this.atLeader({ kind: 'promote', id })
  }

  /** A node that lives hands everything over first. */
  async remove(id: number): Promise<MembersView> {
    const { journal, logger } = this.options
    const { members } = await this.atLeader({ kind: 'mayRemove', id })
    if (id === journal.node)
      throw new MembersRefused(
        409,
        `a node does not remove itself: ask another one than node ${id}`,
      )
    if (members.some(member => member.id === id && member.alive)) {
      const drained = await this.ask(id, { kind: 'drain' })
      if (!drained.ok) logger.warn('removed without a drain', { removed: id, why: drained.detail })
    }
    return this.atLeader({ kind: 'remove', id })
  }

  stop(): void {
    this.stopped = true
    this.cancel()
  }

  private async atLeader(request: Request): Promise<MembersView> {
    const { clock } = this.options
    const untilMs = clock.monotonicMs() + LEADER_MS
    for (;;) {
      const to = this.options.leader()
      const answer = to === null ? NO_LEADER : await this.ask(to, request)
      if (answer.ok) return answer.view
      if (!answer.moved || this.stopped || clock.monotonicMs() > untilMs)
        throw new MembersRefused(answer.status, answer.detail)
      await this.pause()
    }
  }

  private async ask(to: number, request: Request): Promise<Answer> {
    if (to === this.options.journal.node) return this.serve(request)
    const answer = await this.questions.ask(to, request)
    switch (answer) {
      case 'busy':
        return refusal(503, 'too much about members is being asked here: wait a little', false)
      case 'unreachable':
        return refusal(503, `node ${to} cannot be reached from here`, true)
      case 'silent':
        return refusal(
          503,
          `node ${to} did not answer in time: look at ./carillon member list`,
          false,
        )
      default:
        return answer
    }
  }

  /** Never rejects. */
  private async serve(request: Request): Promise<Answer> {
    try {
      if (request.kind === 'drain') await this.options.drain(DRAIN_MS)
      else if (this.options.leader() !== this.options.journal.node) return NO_LEADER
      else {
        const no = await this.carryOut(request)
        if (no !== undefined) return { ok: false, moved: false, ...no }
      }
      const warnings = request.kind === 'remove' ? this.warnings(request.id) : []
      return { ok: true, view: { ...this.view(), warnings } }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      return refusal(409, detail, false)
    }
  }

  private async carryOut(request: Exclude<Request, { kind: 'drain' }>): Promise<Objection> {
    const judged = { members: this.view().members, everKnown: this.everKnown() }
    switch (request.kind) {
      case 'list':
        return undefined
      case 'mayRemove':
        return objectionToRemove(judged, request.id)
      case 'add': {
        const { id, address } = request
        const no = objectionToAdd(judged, request)
        if (
          no !== undefined ||
          judged.members.some(one => one.id === id && one.address === address)
        )
          return no
        return this.change({ kind: 'addLearner', member: { id, address } })
      }
      case 'promote': {
        const no = objectionToPromote(judged, request.id)
        const member = judged.members.find(one => one.id === request.id)
        if (no !== undefined || member === undefined || member.role === 'voter') return no
        const { id, address } = member
        return this.change({ kind: 'addVoter', member: { id, address } })
      }
      case 'remove':
        return this.removeHere(request.id, objectionToRemove(judged, request.id))
    }
  }

  private async removeHere(id: number, no: Objection): Promise<Objection> {
    if (no !== undefined) return no
    const { journal, clock } = this.options
    if (id === journal.node) {
      await this.options.giveUpLeadership()
      throw new Error(`leadership of node ${id} was handed on first: ask again`)
    }
    const refused = await this.change({ kind: 'remove', id })
    if (refused !== undefined) return refused
    const untilMs = clock.monotonicMs() + ENDED_MS
    while (journal.state.nodes.get(id)?.alive === true && clock.monotonicMs() < untilMs)
      await this.pause()
    return undefined
  }

  private async change(change: MemberChange): Promise<Objection> {
    const group = this.options.group()
    if (group === undefined || this.changing)
      return { status: 409, detail: 'another change of the membership is under way' }
    this.changing = true
    try {
      this.options.logger.info('membership change asked for', { change })
      await group.changeMembers([change])
      return undefined
    } finally {
      this.changing = false
    }
  }

  private view(): MembersView {
    const { options } = this
    const { commitIndex = 0, members = [] } = options.group()?.status() ?? {}
    const upTo = Math.min(commitIndex, this.commits[0])
    return {
      leader: options.leader(),
      commitIndex,
      members: members.map(member => {
        const { matchIndex, alive } = member
        const lag = matchIndex === null ? null : Math.max(0, commitIndex - matchIndex)
        return { ...member, lag, caughtUp: alive && matchIndex !== null && matchIndex >= upTo }
      }),
      warnings: [],
    }
  }

  private everKnown(): ReadonlySet<number> {
    return new Set(this.options.journal.state.nodes.all().map(({ node }) => node))
  }

  private warnings(id: number): string[] {
    const connectors = [...this.options.journal.state.connectors.values()].flatMap(one =>
      one.settings === undefined ? [] : [{ id: one.id, nodes: one.settings.nodes }],
    )
    return strandedConnectors(connectors, this.view().members, id).map(
      connector =>
        `no member may run connector ${connector} any more: change its \`nodes\` and apply the gateway file`,
    )
  }

  private pause(): Promise<void> {
    return new Promise(resolve => this.options.timers.after(LOOK_MS, resolve))
  }
}

const refusal = (status: number, detail: string, moved: boolean): Answer => ({
  ok: false,
  status,
  detail,
  moved,
})

const NO_LEADER = refusal(503, 'there is no leader', true)
