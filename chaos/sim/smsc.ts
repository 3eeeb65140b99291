import type { Random } from '../../src/base/random.js'
import { silentLogger } from '../../src/base/logger.js'
import { Link } from '../../src/link/link.js'
import type { Frame, ResponseKind } from '../../src/link/types.js'
import { decodeBody, encodeBody, tlv } from '../../src/smpp/codec.js'
import { COMMAND_IDS, isBind } from '../../src/smpp/command-ids.js'
import { COMMAND_STATUS, type CommandStatus } from '../../src/smpp/command-status.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { Checker } from './checker.js'
import type { ConnectionNetwork, Party, SimConnection } from './connections.js'
import { tagOf } from './message-books.js'
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

interface Receipt {
  id: string
  source: string
  destination: string
  /** MO: the tag; '' for receipts. */
  tag: string
}

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
  private readonly checker: Checker
  private readonly trace: Trace
  private readonly network: ConnectionNetwork
  /** Links that take deliver_sm. */
  private readonly receivers: Link[] = []
  private readonly waiting: Receipt[] = []
  private readonly number: number
  private ids = 0
  private mos = 0
  private stopListening: () => void = () => undefined

  constructor(
    number: number,
    name: string,
    parts: {
      time: VirtualTime
      random: Random
      checker: Checker
      trace: Trace
      network: ConnectionNetwork
    },
  ) {
    this.number = number
    this.name = name
    this.time = parts.time
    this.random = parts.random
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

  /** A mobile writes. */
  mo(tag: string, destination: string): void {
    this.mos++
    this.owed++
    this.waiting.push({ id: '', source: '4917000', destination, tag })
    this.flush()
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
    const { registered_delivery, destination_addr, source_addr, short_message } = decoded.body
    const text = short_message.toString('latin1')
    this.trace.add(this.name, `got ${tag} from node ${node}: ${text}`)
    this.checker.reached(tag, text, node, this.name, connection.heardOfMs)
    const chance = this.random.unit()
    const { silence, busy, answerMs } = this.behaviour
    const waitMs = between(this.random, answerMs)
    if (chance < busy) return this.later(waitMs, link, sequence_number, 'ESME_RMSGQFUL', '')
    const id = `${this.number}${String(++this.ids).padStart(7, '0')}`
    this.checker.taken(tag)
    if (chance < busy + silence) this.trace.add(this.name, `does not answer ${tag}`)
    else this.later(waitMs, link, sequence_number, 'ESME_ROK', id)
    if ((registered_delivery & 3) !== 1) return
    this.owed++
    this.time.after(waitMs + between(this.random, this.behaviour.receiptMs), () => {
      this.waiting.push({ id, source: destination_addr, destination: source_addr, tag: '' })
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
    const key = receipt.tag === '' ? receipt.id : receipt.tag
    if (kind === 'response' && frame?.command_status === COMMAND_STATUS.ESME_ROK) {
      this.owed--
      this.trace.add(this.name, `receipt ${key} is taken`)
      this.checker.receiptTaken(key)
      return
    }
    this.time.after(RECEIPT_AGAIN_MS, () => {
      this.waiting.push(receipt)
      this.flush()
    })
  }
}

function bodyOf({ id, source, destination, tag }: Receipt): Buffer {
  if (tag !== '')
    return encodeBody('deliver_sm', {
      source_addr: source,
      destination_addr: destination,
      short_message: Buffer.from(tag),
    })
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:x`
  return encodeBody('deliver_sm', {
    source_addr: source,
    destination_addr: destination,
    esm_class: 4,
    short_message: Buffer.from(text),
    tlvs: [tlv.cstring('receipted_message_id', id), tlv.uint8('message_state', 2)],
  })
}

function between(random: Random, { min, max }: { min: number; max: number }): number {
  return min + random.unit() * (max - min)
}
