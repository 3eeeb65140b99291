import type { Random } from '../../src/base/random.js'
import { silentLogger } from '../../src/base/logger.js'
import { Link } from '../../src/link/link.js'
import type { Frame, ResponseKind } from '../../src/link/types.js'
import { decodeBody, encodeBody, tlv } from '../../src/smpp/codec.js'
import { COMMAND_IDS, isBind } from '../../src/smpp/command-ids.js'
import { COMMAND_STATUS, type CommandStatus } from '../../src/smpp/command-status.js'
import { ESM_CLASS, isTransaction, REGISTERED_DELIVERY } from '../../src/smpp/constants.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { Checker } from './checker.js'
import type { ConnectionNetwork, Party, SimConnection } from './connections.js'
import { tagOf } from './message-books.js'
import type { Copy } from './part-rules.js'
import { brief, pieceOf, pieceText, type Piece } from './pieces.js'
import type { Trace } from './trace.js'

export interface SmscBehaviour {
  /** Share of submit_sm that it does not answer. */
  silence: number
  /** Share that it answers with a temporary error. */
  busy: number
  answerMs: { min: number; max: number }
  receiptMs: { min: number; max: number }
}

const LIMITS = {
  windowIn: 10_000,
  windowOut: 50,
  pduOctetsMax: 65_536,
  bindTimeoutMs: 10_000,
  enquireLinkMs: 30_000,
  inactivityTimeoutMs: 90_000,
  responseTimeoutMs: 5000,
  writeQueueOctetsMax: 16 * 1024 * 1024,
}
const RECEIPT_AGAIN_MS = 700
/** Shares of parts that it refuses, does not answer, or breaks the connection over; and of whole messages refused for good. */
const OF_PARTS = {
  throttled: 0.02,
  refusedForNow: 0.005,
  refused: 0.01,
  silence: 0.01,
  break: 0.015,
}
const REFUSED = 0.004
/** In transaction mode: how much longer it takes at most, and the share refused for good, of whole messages. */
const TRANSACTION = { moreMs: 700, refused: 0.05 }
/** Shares of receipts that say no, that it forgets (of parts alone), sends twice, or late. */
const FAILED = 0.02
const FORGOTTEN = 0.01
const REPEATED = 0.03
const LATE = 0.03
const LATE_MS = 2500
/**
 * MO: the share in parts, of at most so many, each of so many octets; shares of those that have the reference of the one before, of
 * parts that never come, and that come twice, late.
 */
const LONG_MOS = {
  share: 0.5,
  parts: 4,
  octets: 120,
  sameReference: 0.15,
  lost: 0.05,
  spreadMs: 600,
  repeated: 0.1,
  lateMs: 5000,
}
/** Of what asks for notifications, and of the rest: the share that it sends some of, and how many at most. */
const NOTIFIED = { asked: 0.7, unasked: 0.03, most: 3 }
/** Share of notifications that say "failed, so far". */
const FAILED_SO_FAR = 0.3

/** What a receipt speaks of, and what it says. */
type About = Pick<Copy, 'id' | 'state'>

interface Receipt extends About {
  source: string
  destination: string
  /** MO: the piece, or the tag where it is all of it; '' for receipts. */
  tag: string
  /** What begins the text of a part. */
  header?: Buffer
  /** Intermediate notification: its word (notification-rules.ts); '' for others. */
  word: string
  /** What it has to say when this was taken. */
  then: (() => void) | undefined
}

/** What it answers to a submit_sm; '': nothing. */
type Answer = CommandStatus | ''

/** For good. */
const REFUSAL = 'ESME_RSUBMITFAIL'

/** An SMSC of the world: takes messages, remembers them for ever, sends receipts until they are taken. */
export class SimSmsc {
  readonly name: string
  readonly behaviour: SmscBehaviour = {
    silence: 0,
    busy: 0,
    answerMs: { min: 1, max: 25 },
    receiptMs: { min: 5, max: 800 },
  }
  /** Receipts and MO that no node has taken yet. */
  owed = 0
  private readonly time: VirtualTime
  private readonly random: Random
  private readonly notes: Random
  private readonly checker: Checker
  private readonly trace: Trace
  private readonly network: ConnectionNetwork
  /** Links that take deliver_sm. */
  private readonly receivers: Link[] = []
  private readonly waiting: Receipt[] = []
  /** Of messages for all of whose parts it sends one receipt: the parts since the last one, by tag and cut. */
  private readonly gathered = new Map<string, Map<number, About>>()
  private readonly number: number
  private readonly oneReceipt: boolean
  private calm = false
  private ids = 0
  /** Messages in parts, by reference. */
  private readonly references: string[][] = []
  private words = 0
  private stopListening: () => void = () => undefined

  constructor(
    number: number,
    name: string,
    parts: {
      time: VirtualTime
      random: Random
      /** What it notifies of. */
      notes: Random
      checker: Checker
      trace: Trace
      network: ConnectionNetwork
      /** One for all parts of a message. */
      oneReceipt: boolean
    },
  ) {
    this.number = number
    this.oneReceipt = parts.oneReceipt
    this.name = name
    this.time = parts.time
    this.random = parts.random
    this.notes = parts.notes
    this.checker = parts.checker
    this.trace = parts.trace
    this.network = parts.network
    this.up()
  }

  up(): void {
    const party: Party = { name: this.name, process: undefined }
    this.stopListening = this.network.listen(`${this.name}:2776`, party, connection =>
      this.take(connection),
    )
  }

  /** Its process is gone: what it had taken it remembers. */
  down(): void {
    this.stopListening()
    this.network.reset(this.name, 1)
  }

  /** From now on it takes and answers what comes. */
  calmDown(): void {
    this.calm = true
    this.behaviour.silence = 0
    this.behaviour.busy = 0
    this.down()
    this.up()
  }

  /** A mobile writes. */
  mo(tag: string, destination: string): void {
    const { random } = this
    const mo = { id: '', source: `49170${this.number}`, destination, state: 'DELIVERED' as const }
    const total = random.unit() < LONG_MOS.share ? 2 + random.below(LONG_MOS.parts - 1) : 1
    if (total === 1) {
      this.owed++
      this.waiting.push({ ...mo, tag, word: '', then: undefined })
      return this.flush()
    }
    const parts = shuffled(
      Array.from({ length: total }, (_, i) => i + 1),
      random,
    )
    const again = random.unit() < LONG_MOS.sameReference
    if (!again) this.references.push([])
    const sharers = this.references.at(-1) ?? []
    this.checker.mos.onWritten(tag, total, sharers)
    sharers.push(tag)
    const reference = (this.number * 128 + this.references.length) % 256
    for (const part of parts) {
      if (random.unit() < LONG_MOS.lost) continue
      const header = Buffer.of(5, 0, 3, reference, total, part)
      const piece: Receipt = {
        ...mo,
        tag: `${tag}${part}/${total};`,
        header,
        word: '',
        then: undefined,
      }
      this.owed++
      this.time.after(random.unit() * LONG_MOS.spreadMs, () => {
        this.waiting.push(piece)
        this.flush()
      })
      if (random.unit() < LONG_MOS.repeated) {
        this.owed++
        this.time.after(random.unit() * LONG_MOS.lateMs, () => {
          this.waiting.push(piece)
          this.flush()
        })
      }
    }
  }

  private take(connection: SimConnection): void {
    const peer = connection.peer.party.name
    const node = Number(/^node (\d+)$/.exec(peer)?.[1] ?? 0)
    const link: Link = new Link({
      side: 'smsc',
      connection,
      limits: LIMITS,
      handler: {
        request: frame => this.request(link, connection, node, frame),
        response: (tag, kind, frame) => this.answered(tag as Receipt, kind, frame),
        closed: () => this.forget(link),
        unbinding: () => this.forget(link),
      },
      clock: this.time,
      timers: this.time,
      logger: silentLogger,
    })
  }

  private forget(link: Link): void {
    const at = this.receivers.indexOf(link)
    if (at >= 0) this.receivers.splice(at, 1)
  }

  private request(link: Link, connection: SimConnection, node: number, frame: Frame): void {
    const { command_id, sequence_number } = frame
    if (isBind(command_id)) {
      link.respond(command_id, sequence_number, 'ESME_ROK', Buffer.from(`${this.name}\0`))
      if (command_id !== COMMAND_IDS.bind_transmitter) this.receivers.push(link)
      this.trace.add(this.name, `node ${node} binds`)
      this.time.after(1, () => this.flush())
      return
    }
    if (command_id !== COMMAND_IDS.submit_sm) return
    const tag = tagOf(frame.body)
    const decoded = decodeBody('submit_sm', Buffer.from(frame.body))
    if (!decoded.ok) return link.respond(command_id, sequence_number, 'ESME_RSYSERR')
    const piece = pieceOf(decoded.body)
    const what = `${tag}${pieceText(piece)}`
    this.trace.add(this.name, `got ${what} from node ${node}: ${brief(piece.text)}`)
    this.checker.reached(tag, piece, node, this.name, connection.heardOfMs)
    this.checker.transactions.onReached(tag, decoded.body)
    const transaction = isTransaction(decoded.body.esm_class)
    const answer = this.answerTo(piece, transaction ? TRANSACTION.refused : REFUSED)
    const moreMs = transaction && !this.calm ? this.random.unit() * TRANSACTION.moreMs : 0
    const waitMs = between(this.random, this.behaviour.answerMs) + moreMs
    if (answer !== 'ESME_ROK' && answer !== '') {
      if (answer === REFUSAL) this.checker.refused(tag)
      return this.later(waitMs, link, sequence_number, answer, '')
    }
    const id = `${this.number}${String(++this.ids).padStart(7, '0')}`
    const failed = this.random.unit() < FAILED
    const state = failed ? 'UNDELIVERABLE' : 'DELIVERED'
    this.checker.taken(tag, { id, piece, state, oneReceipt: this.oneReceipt })
    if (answer === '') this.trace.add(this.name, `does not answer ${what}`)
    else this.later(waitMs, link, sequence_number, 'ESME_ROK', id)
    const { random } = this
    if (piece.cut !== '' && !this.calm && random.unit() < OF_PARTS.break)
      this.time.after(random.unit() * waitMs * 2, () => connection.resetBoth())
    const { registered_delivery, destination_addr, source_addr } = decoded.body
    const { always, intermediate, receipt_mask } = REGISTERED_DELIVERY
    const wanted = (registered_delivery & receipt_mask) === always
    const about = wanted ? this.receiptFor(tag, piece, { id, state }) : undefined
    const from = { source: destination_addr, destination: source_addr, tag: '' }
    const finish = (waitMs: number): void => {
      if (about === undefined) return
      const receipt = { ...about, ...from, word: '', then: undefined }
      this.send(receipt, waitMs)
      if (random.unit() < REPEATED) this.send(receipt, waitMs + random.unit() * LATE_MS)
    }
    const isAsked = (registered_delivery & intermediate) !== 0
    const some = this.notes.unit() < (isAsked ? NOTIFIED.asked : NOTIFIED.unasked)
    const count = some ? 1 + this.notes.below(NOTIFIED.most) : 0
    const notify = (left: number, waitMs: number): void => {
      if (left === 0) return finish(waitMs)
      const word = `N=${this.number}${String(++this.words).padStart(6, '0')};`
      this.checker.notifications.onSaid(word, tag, id, piece.cut === '')
      const soFar = this.notes.unit() < FAILED_SO_FAR ? 'UNDELIVERABLE' : 'DELIVERED'
      this.send({ id, state: soFar, ...from, word, then: () => notify(left - 1, 0) }, waitMs)
    }
    notify(count, waitMs)
  }

  /** What becomes of it: parts have troubles of their own. */
  private answerTo({ cut }: Piece, refused: number): Answer {
    const { silence, busy } = this.behaviour
    let chance = this.random.unit()
    const falls = (share: number): boolean => (chance -= share) < 0
    if (falls(busy)) return 'ESME_RMSGQFUL'
    if (falls(silence)) return ''
    if (this.calm) return 'ESME_ROK'
    if (cut === '') return falls(refused) ? REFUSAL : 'ESME_ROK'
    if (falls(OF_PARTS.throttled)) return 'ESME_RTHROTTLED'
    if (falls(OF_PARTS.refusedForNow)) return 'ESME_RSYSERR'
    if (falls(OF_PARTS.refused)) return REFUSAL
    return falls(OF_PARTS.silence) ? '' : 'ESME_ROK'
  }

  /** What the receipt says that is due with this part; undefined: none is, or it is forgotten. */
  private receiptFor(tag: string, { cut, part, of }: Piece, own: About): About | undefined {
    if (cut === '') return own
    const { random, gathered } = this
    if (!this.oneReceipt) return random.unit() < FORGOTTEN ? undefined : own
    const key = `${tag} ${cut}`
    const all = gathered.get(key) ?? new Map<number, About>()
    gathered.set(key, all.set(part, own))
    if (all.size < of) return undefined
    gathered.delete(key)
    return [...all.values()][random.below(of)]
  }

  private send(receipt: Receipt, waitMs: number): void {
    const { random } = this
    this.owed++
    const lateMs = random.unit() < LATE ? random.unit() * LATE_MS : 0
    this.time.after(waitMs + lateMs + between(random, this.behaviour.receiptMs), () => {
      this.waiting.push(receipt)
      this.flush()
    })
  }

  private later(
    ms: number,
    link: Link,
    sequence_number: number,
    status: CommandStatus,
    id: string,
  ): void {
    this.time.after(ms, () => {
      const body = id === '' ? undefined : encodeBody('submit_sm_resp', { message_id: id })
      link.respond(COMMAND_IDS.submit_sm, sequence_number, status, body)
    })
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.receivers.length > 0) {
      const receipt = this.waiting[0]!
      const link = this.receivers[this.random.below(this.receivers.length)]!
      const sent = link.request(COMMAND_IDS.deliver_sm, bodyOf(receipt), receipt)
      if (typeof sent === 'string') {
        if (sent === 'closed') this.forget(link)
        else {
          this.time.after(50, () => this.flush())
          return
        }
        continue
      }
      this.waiting.shift()
    }
  }

  private answered(receipt: Receipt, kind: ResponseKind, frame: Frame | undefined): void {
    if (kind === 'late') return
    const key = receipt.tag + receipt.word === '' ? receipt.id : receipt.tag + receipt.word
    if (kind === 'response' && frame?.command_status === COMMAND_STATUS.ESME_ROK) {
      this.owed--
      this.trace.add(this.name, `receipt ${key} is taken`)
      this.checker.receiptTaken(key)
      receipt.then?.()
      return
    }
    this.time.after(RECEIPT_AGAIN_MS, () => {
      this.waiting.push(receipt)
      this.flush()
    })
  }
}

function bodyOf({ id, source, destination, state, tag, header, word }: Receipt): Buffer {
  if (tag !== '')
    return encodeBody('deliver_sm', {
      source_addr: source,
      destination_addr: destination,
      esm_class: header === undefined ? 0 : ESM_CLASS.udhi,
      short_message:
        header === undefined
          ? Buffer.from(tag)
          : Buffer.concat([header, Buffer.from(tag.padEnd(LONG_MOS.octets, '.'))]),
    })
  const isNotification = word !== ''
  const [stat, message_state] =
    state === 'UNDELIVERABLE'
      ? ['UNDELIV err:001', 5]
      : isNotification
        ? ['ENROUTE err:027', 1]
        : ['DELIVRD err:000', 2]
  const said = isNotification ? word : 'x'
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:${stat} text:${said}`
  return encodeBody('deliver_sm', {
    source_addr: source,
    destination_addr: destination,
    esm_class: isNotification ? ESM_CLASS.intermediate_notification : ESM_CLASS.receipt,
    short_message: Buffer.from(text),
    tlvs: [tlv.cstring('receipted_message_id', id), tlv.uint8('message_state', message_state)],
  })
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[items[i], items[other]] = [items[other]!, items[i]!]
  }
  return items
}

function between(random: Random, { min, max }: { min: number; max: number }): number {
  return min + random.unit() * (max - min)
}
