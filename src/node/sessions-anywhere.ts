import type { Messenger } from '../../cluster/types.js'
import type { Kicked, SessionsPort } from '../api/ports.js'
import type { SessionActivity } from '../api/shapes.js'
import { isoTime } from '../api/message-view.js'
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

type Question = { kind: 'activity'; ids: string[] } | { kind: 'kick'; id: string }

type Answer =
  | { kind: 'activity'; found: [id: string, activity: SessionActivity][] }
  /** `reason`: the link's; null: it is not bound here. */
  | { kind: 'kick'; reason: string | null }

export interface SessionsAnywhereOptions {
  journal: Journal
  messenger: Messenger
  clock: Clock
  timers: Timers
  logger: Logger
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

  private ask(node: number, question: Question) {
    return node === this.options.journal.node
      ? this.serve(question)
      : this.questions.ask(node, question)
  }

  /** Never rejects. */
  private async serve(question: Question): Promise<Answer> {
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
