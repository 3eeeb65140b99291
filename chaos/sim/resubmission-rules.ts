import type { Ref } from '../../src/journal/index.js'
import type { GatewaySettings } from '../../src/policy/settings.js'
import type { Message, MessageBooks } from './message-books.js'
import type { Violations } from './violations.js'

/** What the leader's clock and those of others may differ by, in all: a window is over that much too early at most. */
const CLOCKS_MS = 25_000

export interface ResubmissionRulesParts {
  books: MessageBooks
  violations: Violations
  now(): number
  /** Whether its response, due with this index, stood in a write queue when the connection broke. */
  brokeOver(message: Message, index: number): boolean
}

/**
 * A message in the log that was accepted within a window. What becomes of it is told by the log and by the octets
 * that came to ESMEs, and is judged by content, which the nodes know as a fingerprint alone.
 *
 *     open ── its response is written ─► over
 *      │ session ends, refused and sent     ▲ window over, dropped
 *      ▼                                    │
 *     lost ─────────────────────────────────┘
 *      └─ submitted again ─► open
 */
interface Place {
  ref: Ref
  first: Message
  /** Who waits for its response: the first, or who submitted it again. */
  holder: Message
  /** `node.boot.count`. */
  session: string
  /** In which the holder came to it. */
  sinceIndex: number
  state: 'open' | 'lost' | 'over'
  /** Of the loss. */
  loss: { number: number; atMs: number; how: 'session' | 'boot' | 'refusal' }
}

/** What stood in a proposal: places of its own, or others'. */
interface Proposed {
  message: Message
  ref: Ref
}

/** The resubmission window as docs/decisions/0012 has it: who gets whose place, and when (DESIGN §3). */
export class ResubmissionRules {
  private readonly parts: ResubmissionRulesParts
  /** By account: its window, and the index since which it has one. */
  private readonly windows = new Map<string, { ms: number; sinceIndex: number }>()
  private readonly places = new Map<Ref, Place>()
  /** Those that are not over, by account and content. */
  private readonly alike = new Map<string, Set<Place>>()
  /** Ids of sessions, and `node.boot.` of boots. */
  private readonly ended = new Set<string>()
  /** By `node number`: of the node's latest boot. */
  private readonly proposals = new Map<string, Proposed[]>()
  /** Who had lost a place to whom, where their node's boot was over. */
  private readonly overtaken: { key: string; holder: Message; by: Message }[] = []
  private losses = 0

  constructor(parts: ResubmissionRulesParts) {
    this.parts = parts
  }

  onSettings(index: number, { accounts }: GatewaySettings): void {
    for (const { systemId, resubmissionWindowMs: ms } of accounts) {
      const known = this.windows.get(systemId)
      if (ms > 0) this.windows.set(systemId, { ms, sinceIndex: known?.sinceIndex ?? index })
      else if (this.windows.delete(systemId))
        for (const place of this.places.values())
          if (place.first.account === systemId) this.end(place)
    }
  }

  /** A submit has become a message of its own. */
  onAccepted(
    index: number,
    proposal: string,
    message: Message,
    ref: Ref,
    session: string,
    fingerprint: boolean,
  ): void {
    const window = this.windows.get(message.account)
    if (window === undefined || message.transaction) return
    // else its node may have known nothing of the window
    const knew = window.sinceIndex <= message.seenIndex
    if (!knew && !fingerprint) return
    if (knew) this.checkNew(message, session)
    const place: Place = {
      ref,
      first: message,
      holder: message,
      session,
      sinceIndex: index,
      state: 'over',
      loss: { number: 0, atMs: 0, how: 'session' },
    }
    this.places.set(ref, place)
    this.propose(proposal, message, ref)
    this.hold(place)
  }

  /** A submit got the place of an earlier one. */
  onMatched(index: number, proposal: string, message: Message, ref: Ref, session: string): void {
    const place = this.places.get(ref)
    const wrong = this.wrongMatch(message, place)
    if (wrong !== '')
      return this.parts.violations.fail('a match is right', `${message.tag} ${wrong}`, message.tag)
    const { holder, loss } = place!
    if (loss.how === 'boot') this.overtaken.push({ key: keyOf(message), holder, by: message })
    this.propose(proposal, message, ref)
    Object.assign(place!, { holder: message, session, sinceIndex: index })
    this.hold(place!)
  }

  /** A session has ended. */
  onSessionEnded(id: string): void {
    this.ended.add(id)
    this.lose(({ session }) => session === id, 'session')
  }

  /** Boots of a node up to `boot` have ended. */
  onBootEnded(node: number, boot: number): void {
    const prefix = (of: number): string => `${node}.${of}.`
    for (let of = boot; of > 0 && !this.ended.has(prefix(of)); of--) this.ended.add(prefix(of))
    this.lose(({ session }) => this.hasEnded(session), 'boot')
  }

  /** A node says that it has written the responses of these. */
  onMarks(boot: string, refs: readonly Ref[]): void {
    const { books, violations } = this.parts
    for (const ref of refs) {
      const place = this.places.get(ref)
      if (place === undefined || place.state === 'over' || !place.session.startsWith(boot)) continue
      const { tag, node, writtenAtMs, submittedAtMs } = place.holder
      // what stood in a write queue counts as written
      const isTrue =
        writtenAtMs > 0 ||
        books.diedSince(node, submittedAtMs) ||
        this.parts.brokeOver(place.holder, place.sinceIndex)
      if (!isTrue)
        violations.fail('a mark is true', `${node} never wrote the response of ${tag}`, tag)
      this.end(place)
    }
  }

  /** The leader says that the window of these is over. */
  onForgotten(refs: readonly Ref[]): void {
    const { parts } = this
    for (const ref of refs) {
      const place = this.places.get(ref)
      if (place?.state !== 'lost') continue
      const { account, tag } = place.first
      const lostMs = parts.now() - place.loss.atMs
      if (lostMs < (this.windows.get(account)?.ms ?? 0) - CLOCKS_MS)
        parts.violations.fail('a match is right', `${tag} was forgotten after ${lostMs} ms`, tag)
      this.end(place)
    }
  }

  /** A proposal of submits was refused to its ESMEs. What is claimed goes out all the same, the rest is dropped. */
  onVoid(proposal: string): void {
    for (const { message, ref } of this.proposals.get(proposal) ?? []) {
      const place = this.places.get(ref)
      if (place === undefined || place.state === 'over') continue
      if (place.first === message && message.claims.size === 0) this.end(place)
      else if (place.holder === message && place.state === 'open') this.loseOne(place, 'refusal')
    }
  }

  /** It was cancelled or replaced: the same submit again is another message. */
  onAltered(ref: Ref): void {
    const place = this.places.get(ref)
    if (place !== undefined && place.state !== 'over') this.end(place)
  }

  /** At the end: whose message got the id of another one that was meant as well. */
  finish(): void {
    const { books, violations } = this.parts
    const groups = new Map<string, { intents: Set<Message>; ids: Set<string>; excused: number }>()
    for (const message of books.messages.values()) {
      if (message.status !== 'ESME_ROK') continue
      const key = keyOf(message)
      const group = groups.get(key) ?? { intents: new Set(), ids: new Set(), excused: 0 }
      groups.set(key, group)
      group.intents.add(message.meant)
      group.ids.add(message.id)
    }
    // Its ESME may have had the answer of what a node said in the last moments of its boot.
    for (const { key, holder, by } of this.overtaken) {
      const group = groups.get(key)
      if (group !== undefined && holder.status === 'ESME_ROK' && holder.meant !== by.meant)
        group.excused++
    }
    for (const [key, { intents, ids, excused }] of groups) {
      if (ids.size + excused >= intents.size) continue
      const tags = [...intents].map(({ tag }) => tag)
      violations.fail(
        'no message is swallowed',
        `${intents.size} messages ${key} have ${ids.size} ids: ${tags.join(' ')}`,
        ...tags,
      )
    }
  }

  /** It is a message of its own: nothing like it was lost, nor seen by its node to be open elsewhere. */
  private checkNew(message: Message, session: string): void {
    const { violations } = this.parts
    for (const place of this.alike.get(keyOf(message)) ?? []) {
      const { tag } = place.holder
      const open =
        place.state === 'open' && place.session !== session && place.sinceIndex <= message.seenIndex
      if (place.state === 'lost' || open)
        violations.fail(
          'submitted again is one message',
          `${message.tag} is a new one, though ${tag} at ${place.ref} was ${place.state}`,
          message.tag,
          tag,
          place.first.tag,
        )
    }
  }

  /** What is wrong with giving the message this place, or ''. */
  private wrongMatch(message: Message, place: Place | undefined): string {
    if (place === undefined) return 'got a place that is remembered by no account'
    const { first, holder, state, loss } = place
    if (first.account !== message.account) return `of ${message.account} got ${first.tag}'s place`
    if (first.content !== message.content) return `got the place of ${first.tag}, which is another`
    if (state !== 'lost') return `got the place of ${holder.tag}, which was ${state}`
    if (holder.status === 'ESME_ROK' && loss.how !== 'boot')
      return `got the place of ${holder.tag}, whose ESME has its answer`
    for (const other of this.alike.get(keyOf(message)) ?? [])
      if (other.state === 'lost' && other.loss.number < loss.number)
        return `got the place of ${holder.tag}, and ${other.holder.tag} was lost before`
    return ''
  }

  private propose(proposal: string, message: Message, ref: Ref): void {
    const proposed = this.proposals.get(proposal)
    if (proposed === undefined) this.proposals.set(proposal, [{ message, ref }])
    else proposed.push({ message, ref })
  }

  /** Its holder waits for a response, unless the session has ended already. */
  private hold(place: Place): void {
    place.state = 'open'
    const key = keyOf(place.first)
    const alike = this.alike.get(key)
    if (alike === undefined) this.alike.set(key, new Set([place]))
    else alike.add(place)
    if (this.ended.has(place.session)) this.loseOne(place, 'session')
    else if (this.hasEnded(place.session)) this.loseOne(place, 'boot')
  }

  private hasEnded(session: string): boolean {
    const boot = session.slice(0, session.lastIndexOf('.') + 1)
    return this.ended.has(session) || this.ended.has(boot)
  }

  /** In the order of acceptance. */
  private lose(which: (place: Place) => boolean, how: Place['loss']['how']): void {
    const lost = [...this.alike.values()]
      .flatMap(places => [...places])
      .filter(place => place.state === 'open' && which(place))
    for (const place of lost.sort((a, b) => a.ref - b.ref)) this.loseOne(place, how)
  }

  private loseOne(place: Place, how: Place['loss']['how']): void {
    place.state = 'lost'
    place.loss = { number: this.losses++, atMs: this.parts.now(), how }
  }

  private end(place: Place): void {
    place.state = 'over'
    const key = keyOf(place.first)
    const alike = this.alike.get(key)
    if (alike?.delete(place) === true && alike.size === 0) this.alike.delete(key)
  }
}

const keyOf = ({ account, content }: Message): string => `of ${account}: ${content}`
