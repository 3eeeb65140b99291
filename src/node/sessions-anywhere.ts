import type { Messenger } from '../../cluster/types.js'
import type { Kicked, SessionsPort } from '../api/ports.js'
import type { NodeView, SessionActivity } from '../api/shapes.js'
import { isoTime } from '../api/message-view.js'
import { addressText, parseAddress, type Address } from '../base/address.js'
import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { FrontEnd } from '../front/index.js'
import type { Journal, SessionRecord } from '../journal/index.js'
import { MESSAGE_KIND } from './message-kinds.js'
import { Questions } from './questions.js'

/** Longer than a session takes to be unbound. */
const ANSWER_MS = 8000
/** A list is not held up for longer by a node that hangs. */
const ACTIVITY_MS = 1000
/** The end of a session is committed within this, or the answer says that it is not. */
const COMMITTED_MS = 2000
const LOOK_MS = 10
const ASKED_MAX = 256
const SERVED_MAX = 256

const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

type Question =
  | { kind: 'activity'; ids: string[] }
  | { kind: 'kick'; id: string }
  /** Where is your HTTP? */
  | { kind: 'http' }

type Answer =
  | { kind: 'activity'; found: [id: string, activity: SessionActivity][] }
  /** `reason`: the link's; null: it is not bound here. */
  | { kind: 'kick'; reason: string | null }
  | ({ kind: 'http' } & Address)

export interface SessionsAnywhereOptions {
  journal: Journal
  messenger: Messenger
  clock: Clock
  timers: Timers
  logger: Logger
  members(): { id: number; address: string }[]
  /** Where this node's HTTP listens. */
  http(): Address
  /** Undefined: the node has not come so far. */
  front(): Pick<FrontEnd, 'activityOf' | 'kick'> | undefined
}

/** Sessions as an operator reaches them on whichever node: the one that has the session is asked. */
export class SessionsAnywhere implements SessionsPort {
  private readonly options: SessionsAnywhereOptions
  private readonly questions: Questions<Question, Answer>

  constructor(options: SessionsAnywhereOptions) {
    this.options = options
    this.questions = new Questions({
      messenger: options.messenger,
      timers: options.timers,
      kinds: { question: MESSAGE_KIND.sessionQuestion, answer: MESSAGE_KIND.sessionAnswer },
      answerMs: ANSWER_MS,
      askedMax: ASKED_MAX,
      servedMax: SERVED_MAX,
      serve: question => this.serve(question),
    })
  }

  async activity(ids: readonly string[]): Promise<Map<string, SessionActivity>> {
    const byNode = new Map<number, string[]>()
    for (const id of ids) {
      const node = this.record(id)?.node
      if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), id])
    }
    const late = this.pause(ACTIVITY_MS)
    const asked = [...byNode].map(([node, mine]) =>
      Promise.race([late, this.ask(node, { kind: 'activity', ids: mine })]),
    )
    const found = new Map<string, SessionActivity>()
    for (const answer of await Promise.all(asked))
      if (typeof answer === 'object' && answer.kind === 'activity')
        for (const [id, activity] of answer.found) found.set(id, activity)
    return found
  }

  async kick(id: string): Promise<Kicked> {
    const record = this.record(id)
    if (record === undefined) return { kind: 'unknown' }
    const answer = await this.ask(record.node, { kind: 'kick', id })
    if (typeof answer === 'string') return { kind: 'noAnswer', node: record.node }
    const reason = answer.kind === 'kick' ? answer.reason : null
    const untilMs = this.options.clock.monotonicMs() + COMMITTED_MS
    while (this.record(id) !== undefined && this.options.clock.monotonicMs() < untilMs)
      await this.pause(LOOK_MS)
    return { kind: 'ended', node: record.node, reason, committed: this.record(id) === undefined }
  }

  async nodes(): Promise<NodeView[]> {
    const late = this.pause(ACTIVITY_MS)
    const members = this.options.members()
    const answers = await Promise.all(
      members.map(({ id }) => Promise.race([late, this.ask(id, { kind: 'http' })])),
    )
    return answers.map((answer, i) => {
      const { id, address } = members[i]!
      if (typeof answer !== 'object' || answer.kind !== 'http') return { id, http: null }
      // It listens everywhere: where its peers reach it, it is reached.
      const host = ANYWHERE.has(answer.host)
        ? (parseAddress(address)?.host ?? answer.host)
        : answer.host
      return { id, http: `http://${addressText({ host, port: answer.port })}` }
    })
  }

  private ask(node: number, question: Question) {
    return node === this.options.journal.node
      ? this.serve(question)
      : this.questions.ask(node, question)
  }

  /** Never rejects. */
  private async serve(question: Question): Promise<Answer> {
    if (question.kind === 'http') return { kind: 'http', ...this.options.http() }
    const front = this.options.front()
    if (question.kind === 'kick') {
      const kicked = front?.kick(question.id)
      if (kicked === undefined) return { kind: 'kick', reason: null }
      const reason = await kicked
      this.options.logger.info('session kicked', { session: question.id, reason })
      return { kind: 'kick', reason }
    }
    const found = question.ids.flatMap((id): [string, SessionActivity][] => {
      const known = front?.activityOf(id)
      if (known === undefined) return []
      const { lastPduAtMs, ...activity } = known
      return [[id, { ...activity, lastPduAt: isoTime(lastPduAtMs) }]]
    })
    return { kind: 'activity', found }
  }

  private record(id: string): SessionRecord | undefined {
    return this.options.journal.state.sessions.get(id)?.sessions.get(id)
  }

  private pause(ms: number): Promise<void> {
    return new Promise(resolve => this.options.timers.after(ms, resolve))
  }
}
