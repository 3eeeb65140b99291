import type { Random } from '../../src/base/random.js'
import { silentLogger } from '../../src/base/logger.js'
import { Link } from '../../src/link/link.js'
import type { Frame, ResponseKind } from '../../src/link/types.js'
import { decodeBody, encodeBody, findTlv, readMessageId } from '../../src/smpp/codec.js'
import { COMMAND_IDS, type BindName } from '../../src/smpp/command-ids.js'
import { statusText } from '../../src/smpp/command-status.js'
import { ESM_CLASS } from '../../src/smpp/constants.js'
import { parseReceipt } from '../../src/smpp/receipt.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { Checker } from './checker.js'
import type { SimConnection } from './connections.js'
import {
  alone,
  bodyOf,
  inTransactionMode,
  multiBodyOf,
  newIntent,
  onceMore,
  toMany,
  withNotifications,
  type Intent,
  type Submission,
} from './intents.js'
import { something } from './long-texts.js'
import { multiTag, type Message } from './message-books.js'
import { piecesIn, type MoPiece } from './mo-rules.js'
import { wordIn } from './notification-rules.js'
import { isMultiResp, unsuccessfulIn, type Sending } from './multi-rules.js'
import { brief } from './pieces.js'
import type { Trace } from './trace.js'

const LIMITS = {
  windowIn: 1000,
  windowOut: 100,
  pduOctetsMax: 65_536,
  bindTimeoutMs: 10_000,
  enquireLinkMs: 5000,
  inactivityTimeoutMs: 12_000,
  responseTimeoutMs: 8000,
  writeQueueOctetsMax: 4 * 1024 * 1024,
}

export const DEAFNESS = 0.01
const SAID_KEPT = 20
/** Of an account that submits again: share of submits that say on purpose what was said before. */
const REPETITION = 0.1
/** Share of what had no answer that it gives up, and of times that a colleague submits the rest again. */
const RESIGNATION = 0.1
const DELEGATION = 0.25
/** Share of submits, or bursts, under which its connection breaks. */
const BREAKAGE = 0.03
/** Share of submits that are submit_multis. */
const MULTI_SHARE = 0.06
/** Share of submits that are in transaction mode. */
const TRANSACTION_SHARE = 0.08
/** Share of submits that ask for intermediate notifications. */
const NOTIFIED_SHARE = 0.15
/** Share of refusals that it tries again. */
const PERSISTENCE = 0.5

export interface EsmeOptions {
  name: string
  systemId: string
  bind: BindName
  /** Submits per second on average; 0: receives only. */
  rate: number
  /** Submits again what it has no answer to when its session is over. */
  resubmits: boolean
}

export interface EsmeParts {
  time: VirtualTime
  random: Random
  /** What becomes a submit_multi. */
  multis: Random
  /** What is long. */
  longs: Random
  /** What is in transaction mode. */
  modes: Random
  /** What is to be notified of. */
  notes: Random
  checker: Checker
  trace: Trace
  /** Different numbers that messages go to, by each route. */
  numbers: number
  /** Through the balancer. */
  connect(): Promise<SimConnection>
  nextTag: () => string
  /** Numbers sessions over all ESMEs. */
  nextSession: () => number
  /** It knows something of a message, and so do its colleagues of the same account. */
  learned: (esme: SimEsme, message: Message) => void
  /** Another one of its account that may submit. */
  colleague: (esme: SimEsme) => SimEsme | undefined
  /** What was said last, by anybody, newest last. */
  said: Intent[]
}

/** A request and what it was for. */
type Asked =
  | { kind: 'submit'; submission: Submission; sending: Sending; session: number }
  /** `known`: the final state that the account knew when it asked, or ''. */
  | { kind: 'query'; message: Message; known: string; cancelled: boolean }
  | { kind: 'other'; answered: (status: string) => void }

/** A customer: binds wherever the balancer leads, submits, acknowledges receipts, and comes back when it is thrown out. */
export class SimEsme {
  readonly options: EsmeOptions
  submitting = true
  /** Share of deliver_sm left without an answer. */
  deafness = DEAFNESS
  private readonly parts: EsmeParts
  private link: Link | undefined
  private session = 0
  private awayUntilMs = 0
  private node = ''
  private connection: SimConnection | undefined
  /** Acknowledged, not asked about yet. */
  private readonly curious: Message[] = []
  /** Submitted in this session, and without an answer. */
  private unanswered = new Set<Asked & { kind: 'submit' }>()
  /** To be submitted again. */
  private readonly again: Submission[] = []

  constructor(options: EsmeOptions, parts: EsmeParts) {
    this.options = options
    this.parts = parts
    this.reconnectIn(parts.random.unit() * 50)
    if (options.rate > 0) this.submitLater()
  }

  get isBound(): boolean {
    return this.link !== undefined
  }

  /** Leaves in good order, and comes back after `forMs`. */
  leave(forMs: number): void {
    this.awayUntilMs = this.parts.time.monotonicMs() + forMs
    this.link?.unbind()
  }

  private reconnectIn(ms: number): void {
    this.parts.time.after(ms, () => {
      this.parts.connect().then(
        connection => this.bind(connection),
        () => this.reconnectIn(100 + this.parts.random.unit() * 300),
      )
    })
  }

  private bind(connection: SimConnection): void {
    const { time, trace, random, nextSession } = this.parts
    const { options } = this
    const node = connection.peer.party.name
    const session = nextSession()
    const link: Link = new Link({
      side: 'esme',
      connection,
      limits: LIMITS,
      handler: {
        request: frame => this.request(link, session, frame),
        response: (tag, kind, frame) => this.response(tag as Asked, kind, frame),
        closed: reason => {
          trace.add(options.name, `session ${session} with ${node} is over: ${reason}`)
          if (this.link === link) this.link = undefined
          this.missAnswers(session)
          const awayMs = Math.max(0, this.awayUntilMs - time.monotonicMs())
          this.reconnectIn(awayMs + 50 + random.unit() * 200)
        },
      },
      clock: time,
      timers: time,
      logger: silentLogger,
    })
    link.bind(options.bind, { system_id: options.systemId, password: 'secret1' }, result => {
      if (!result.ok) {
        link.close('refused')
        return
      }
      trace.add(options.name, `session ${session} is bound to ${node}`)
      this.link = link
      this.session = session
      this.node = node
      this.connection = connection
      this.query(this.curious.at(-1))
      this.resubmitIn(random.unit() < 0.5 ? 0 : random.unit() * 300)
    })
  }

  private submitLater(): void {
    const { time, random } = this.parts
    const waitMs = (-Math.log(1 - random.unit()) * 1000) / this.options.rate
    time.after(waitMs, () => {
      this.submitLater()
      if (!this.submitting || this.link === undefined) return
      const burst = random.unit() < 0.05 ? 1 + random.below(20) : 1
      for (let i = 0; i < burst; i++) this.submit()
      if (this.options.resubmits && random.unit() < BREAKAGE) this.breakIn(random.unit() * 20)
      if (random.unit() < 0.1) this.query(this.curious[random.below(this.curious.length + 1)])
    })
  }

  private submit(): void {
    const { random, multis, longs, modes, notes, nextTag, numbers, said } = this.parts
    const { resubmits, systemId } = this.options
    if (this.link === undefined || this.link.windowFree === 0) return
    const tag = nextTag()
    const repeats = resubmits && said.length > 0 && random.unit() < REPETITION
    const before = repeats ? said[random.below(said.length)] : undefined
    const fresh = (): Intent => {
      const text = something(`${tag.replace('T', 'C')} hello`, longs)
      const intent = newIntent(random, numbers, text, resubmits)
      return notes.unit() < NOTIFIED_SHARE ? withNotifications(intent) : intent
    }
    const plain = before === undefined ? fresh() : onceMore(before, random)
    const intent = modes.unit() < TRANSACTION_SHARE ? inTransactionMode(plain) : plain
    said.push(intent)
    if (said.length > SAID_KEPT) said.shift()
    const many = multis.unit() < MULTI_SHARE && !intent.transaction
    this.send(many ? toMany(intent, systemId, numbers, multis) : alone(intent), tag)
  }

  private send(submission: Submission, tag: string): void {
    const { checker } = this.parts
    const { link, session } = this
    if (link === undefined) return
    const { intents, named, lists } = submission
    const isMulti = named + lists.length > 1
    const name = isMulti ? tag.replace('T', 'D') : tag
    const tagOf = ({ destination_addr }: Intent): string =>
      isMulti ? multiTag(name, destination_addr) : name
    const messages = new Map(
      intents.map(each => [each.destination_addr, this.submitted(each, tagOf(each))]),
    )
    const sending: Sending = {
      account: this.options.systemId,
      addresses: intents.slice(0, named).map(({ destination_addr }) => destination_addr),
      lists,
      seenIndex: messages.values().next().value?.seenIndex ?? 0,
      messages,
    }
    const asked = { kind: 'submit', submission, sending, session } as const
    const sequence = isMulti
      ? link.request(COMMAND_IDS.submit_multi, multiBodyOf(submission, name), asked)
      : link.request(COMMAND_IDS.submit_sm, bodyOf(intents[0]!, name), asked)
    if (typeof sequence === 'string') {
      for (const message of messages.values()) message.status = 'none'
      return
    }
    for (const each of intents) each.submits.push(messages.get(each.destination_addr)!)
    if (!this.options.resubmits) return
    this.unanswered.add(asked)
    for (const message of messages.values())
      checker.asked(message, this.connection!.remotePort, sequence)
  }

  private submitted(intent: Intent, tag: string): Message {
    const { checker, trace } = this.parts
    const { node, session } = this
    const { wantsReceipt, wantsNotifications, content, delayS, transaction } = intent
    const account = this.options.systemId
    const earlier = intent.submits.at(-1)
    const later = transaction ? ', as a transaction' : delayS === 0 ? '' : `, in ${delayS} s`
    const notified = wantsNotifications ? ', with notifications' : ''
    const again = `${later}${notified}${earlier === undefined ? '' : `, which was ${earlier.tag}`}`
    const to = intent.destination_addr
    trace.add(this.options.name, `submits ${tag} to ${to}: ${brief(intent.text)}${again}`)
    return checker.submitted(
      {
        tag,
        account,
        content,
        node,
        session,
        wantsReceipt: wantsReceipt && !transaction,
        wantsNotifications: wantsNotifications && !transaction,
        transaction,
        delayS,
      },
      earlier,
    )
  }

  /** The session is over: what had no answer in it is submitted again, by this one or by a colleague, or given up. */
  private missAnswers(session: number): void {
    const { random } = this.parts
    const missed: Submission[] = []
    for (const asked of this.unanswered) {
      if (asked.session !== session) continue
      this.unanswered.delete(asked)
      if (random.unit() >= RESIGNATION) missed.push(asked.submission)
    }
    if (missed.length === 0) return
    const colleague = random.unit() < DELEGATION ? this.parts.colleague(this) : undefined
    const by = colleague ?? this
    by.again.push(...missed)
    if (by.isBound) by.resubmitIn(random.unit() < 0.5 ? 0 : random.unit() * 300)
  }

  private breakIn(ms: number): void {
    const { connection } = this
    this.parts.time.after(ms, () => connection?.resetBoth())
  }

  private resubmitIn(ms: number): void {
    this.parts.time.after(ms, () => {
      while (this.again.length > 0) {
        if (!this.submitting || this.link === undefined) return
        if (this.link.windowFree === 0) return this.resubmitIn(20)
        this.send(this.again.shift()!, this.parts.nextTag())
      }
    })
  }

  /** Asks after a message that was acknowledged, on whatever node it is bound to now. */
  query(message: Message | undefined): void {
    if (message === undefined || this.link === undefined || message.id === '') return
    const body = encodeBody('query_sm', { message_id: message.id, source_addr: '1000' })
    this.link.request(COMMAND_IDS.query_sm, body, {
      kind: 'query',
      message,
      known: this.knownOf(message),
      cancelled: this.parts.checker.cancels.isCancelled(message),
    })
  }

  /** The final state that it knows; of a submit_multi, of one of its messages, where it knows those of all. */
  private knownOf(message: Message): string {
    const all = this.parts.checker.books.sharing(message.first ?? message)
    return all.some(({ final }) => final === '') ? '' : (all[0]?.final ?? '')
  }

  /** Asks something; `answered` hears the command_status, if it comes in time. */
  ask(command_id: number, body: Buffer, answered: (status: string) => void): void {
    this.link?.request(command_id, body, { kind: 'other', answered })
  }

  private response(asked: Asked, kind: ResponseKind, frame: Frame | undefined): void {
    const { checker, trace } = this.parts
    if (asked.kind === 'other') {
      if (kind === 'response' && frame !== undefined)
        asked.answered(statusText(frame.command_status))
      return
    }
    if (asked.kind === 'query') {
      const { message } = asked
      if (kind !== 'response' || frame === undefined) return
      const decoded = decodeBody('query_sm_resp', Buffer.from(frame.body))
      const state = decoded.ok ? decoded.body.message_state : 0
      return checker.queried(message, statusText(frame.command_status), state, asked)
    }
    if (kind === 'timeout') return // may come late
    if (kind === 'late' && frame === undefined) return
    const { submission, sending } = asked
    const [first] = sending.messages.values()
    const known = first?.status
    if (known !== undefined && known !== 'none') return
    if (kind !== 'closed') this.unanswered.delete(asked)
    const status = frame === undefined ? 'none' : statusText(frame.command_status)
    const unsuccessful = unsuccessfulIn(frame)
    const meant =
      isMultiResp(frame) && status === 'ESME_ROK'
        ? checker.multis.onAnswered(sending, unsuccessful)
        : undefined
    const refused: Intent[] = []
    for (const intent of submission.intents) {
      const to = intent.destination_addr
      const message = sending.messages.get(to)!
      const own = meant?.has(to) === false ? 'not meant' : (unsuccessful.get(to) ?? status)
      const id = own === 'ESME_ROK' ? readMessageId(frame!.body) : ''
      trace.add(this.options.name, `${message.tag} is answered ${own}`)
      checker.answered(message, own, id)
      if (own === 'ESME_ROK') this.accepted(message)
      else if (own !== 'none' && own !== 'not meant') refused.push(intent)
    }
    if (refused.length === 0) return
    // Lists come again where nobody has heard of any of it.
    const all = refused.length === submission.intents.length && meant === undefined
    this.tryAgain(all ? submission : { intents: refused, named: refused.length, lists: [] })
  }

  private accepted(message: Message): void {
    this.curious.push(message)
    if (this.curious.length > 50) this.curious.shift()
    this.parts.learned(this, message)
  }

  /** It was refused. */
  private tryAgain(submission: Submission): void {
    const { random } = this.parts
    if (!this.options.resubmits || random.unit() >= PERSISTENCE) return
    this.again.push(submission)
    this.resubmitIn(random.unit() * 1000)
  }

  private request(link: Link, session: number, frame: Frame): void {
    const { command_id, sequence_number } = frame
    if (command_id !== COMMAND_IDS.deliver_sm) return
    const { random, checker, trace } = this.parts
    const decoded = decodeBody('deliver_sm', Buffer.from(frame.body))
    if (!decoded.ok) return
    const { esm_class, short_message, tlvs } = decoded.body
    const kind = esm_class & ESM_CLASS.type_mask
    const receipt = kind === 0 ? undefined : parseReceipt(decoded.body)
    const answer = random.unit() >= this.deafness
    const waitMs = random.unit() * 20
    let message: Message | undefined
    let final = ''
    let mo: MoPiece[] = []
    const isNotification = kind === ESM_CLASS.intermediate_notification
    const word = isNotification ? wordIn(short_message.toString('latin1')) : ''
    if (isNotification) {
      const id = receipt?.receipted_message_id ?? receipt?.id ?? ''
      checker.notificationCame(word, id, decoded.body.source_addr, this.options.systemId)
      trace.add(this.options.name, `gets the notification ${word}`)
    } else if (receipt === undefined) {
      mo = piecesIn((findTlv(tlvs, 'message_payload') ?? short_message).toString('latin1'))
      trace.add(this.options.name, `gets ${mo.join(' ')}`)
    } else {
      const id = receipt.receipted_message_id ?? receipt.id ?? ''
      final = receipt.state ?? ''
      message = checker.receiptCame(id, decoded.body.source_addr, session, final)
      trace.add(
        this.options.name,
        `gets a receipt of ${message?.tag ?? id}: ${receipt.state ?? '?'}`,
      )
    }
    if (!answer) return
    this.parts.time.after(waitMs, () => {
      if (this.link !== link) return // what it did not answer for it has not taken
      link.respond(command_id, sequence_number, 'ESME_ROK')
      if (mo.length > 0) checker.moTaken(mo)
      if (word !== '') checker.notifications.onTaken(word)
      if (message === undefined) return
      message.receipts++
      message.final = final
      this.parts.learned(this, message)
    })
  }
}
