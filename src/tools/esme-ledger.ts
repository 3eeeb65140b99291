import type { Frame } from '../link/types.js'
import { decodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { ESME_DEFAULTS, type EsmeOptions } from './esme-options.js'
import { Histogram } from './histogram.js'
import { IdTable } from './id-table.js'
import { TagReader } from './message-tag.js'
import { ReceiptReader } from './receipt-text.js'
import { TagCounts } from './tag-counts.js'

/** What is known of a message, by its number. */
export type Outcome = 'unsent' | 'sent' | 'acknowledged' | 'refused' | 'inDoubt'

/** Gets everything that happens to messages, for later comparison. */
export interface JournalSink {
  acknowledged(n: number, messageId: string, sentAtMs: number, answeredAtMs: number): void
  refused(n: number, command_status: number, sentAtMs: number, answeredAtMs: number): void
  inDoubt(n: number, sentAtMs: number, brokeAtMs: number): void
  receipt(messageId: string, stat: string, atMs: number): void
}

/**
 * The load client's books: what was sent, what became of it, which receipts came back. Times are
 * monotonic milliseconds.
 */
export class EsmeLedger {
  readonly latency = new Histogram()
  readonly receiptLatency = new Histogram()
  /** The same as `latency`, warm-up included, since whoever shows it last cleared it. */
  readonly recent = new Histogram()
  readonly ids = new IdTable()
  /** Messages from mobiles, where they carry tags. */
  readonly mo = new TagCounts(256)
  /** submit_sm written, repetitions included. */
  sent = 0
  resent = 0
  acknowledged = 0
  /** Answers that came after their time-out; they count as acknowledged or refused then. */
  late = 0
  refused = 0
  inDoubt = 0
  /** Acknowledgements that gave an id that had been given before. */
  repeatedIds = 0
  emptyIds = 0
  receipts = 0
  /** Receipts for a message that had its final one already. */
  duplicatedReceipts = 0
  /** Intermediate notifications. */
  notifications = 0
  /** Final receipts that acknowledged messages should have: one each, of a submit_multi one for each destination taken. */
  expected = 0
  /** Of these, those that have not come so far. */
  awaited = 0
  moReceived = 0
  readonly refusals = new Map<number, number>()
  /** Destinations that a submit_multi_resp refused, by status. */
  readonly unsuccessful = new Map<number, number>()
  readonly receiptsByStat = new Map<string, number>()
  private readonly outcomes = new Pages(Uint8Array)
  /** When a message was last sent, in tenths of a millisecond since `startMs`. */
  private readonly sentAt = new Pages(Uint32Array)
  private readonly deliver = new SubmitReader()
  private readonly receipt = new ReceiptReader()
  private readonly tag = new TagReader()
  private startMs = 0
  private readonly journal: JournalSink | undefined
  /** Latency of what was sent before is not recorded. */
  private readonly warmUpMs: number

  private readonly destinations: number
  /** The response to what messages are submitted with. */
  private readonly response: number
  /** Of a submit_multi: destinations that were taken, by message; undefined: each message has one. */
  private readonly taken: Pages<Uint8Array> | undefined

  constructor(
    warmUpMs: number,
    journal: JournalSink | undefined,
    { pdu, destinations }: Pick<EsmeOptions, 'pdu' | 'destinations'> = ESME_DEFAULTS,
  ) {
    this.warmUpMs = warmUpMs
    this.journal = journal
    this.destinations = destinations
    this.response = COMMAND_IDS[`${pdu}_resp`]
    this.taken = pdu === 'submit_multi' ? new Pages(Uint8Array) : undefined
  }

  /** Sending begins. */
  begin(startMs: number): void {
    this.startMs = startMs
  }

  outcomeOf(n: number): Outcome {
    return OUTCOMES[this.outcomes.get(n)] ?? 'unsent'
  }

  submitted(n: number, atMs: number): void {
    this.sent++
    if (this.outcomes.get(n) !== UNSENT) this.resent++
    if (this.outcomes.get(n) !== ACKNOWLEDGED) this.outcomes.set(n, SENT)
    this.sentAt.set(n, Math.round((atMs - this.startMs) * 10))
  }

  /**
   * @param frame   submit_sm_resp (data_sm_resp, submit_multi_resp) or generic_nack
   * @param fromMs  when the message was meant to be sent: the start of its latency
   */
  answered(n: number, frame: Frame, fromMs: number, atMs: number, late: boolean): void {
    if (late) {
      this.late++
      this.inDoubt--
    }
    if (frame.command_status !== 0 || frame.command_id !== this.response) {
      this.onRefused(n, frame.command_status, fromMs, atMs)
      return
    }
    this.recent.record(atMs - fromMs)
    if (fromMs >= this.startMs + this.warmUpMs) this.latency.record(atMs - fromMs)
    this.acknowledged++
    this.outcomes.set(n, ACKNOWLEDGED)
    const nul = frame.body.indexOf(0)
    const end = nul < 0 ? frame.body.length : nul
    if (end === 0) {
      this.emptyIds++
      return
    }
    const acks = this.ids.acknowledge(frame.body, 0, end, n)
    if (acks.acks > 1) this.repeatedIds++
    else {
      const taken = this.takenOf(n, frame.body)
      this.expected += taken
      this.awaited += Math.max(0, taken - acks.receipts)
    }
    this.journal?.acknowledged(n, frame.body.toString('latin1', 0, end), fromMs, atMs)
  }

  /** The connection broke, or the time-out passed, without an answer. */
  unanswered(n: number, fromMs: number, atMs: number): void {
    this.inDoubt++
    if (this.outcomes.get(n) !== ACKNOWLEDGED) this.outcomes.set(n, IN_DOUBT)
    this.journal?.inDoubt(n, fromMs, atMs)
  }

  /** A deliver_sm: a receipt, or a message from a mobile. @returns whether it could be read */
  delivered(body: Buffer, atMs: number): boolean {
    const { deliver, receipt } = this
    if (deliver.read(body, 'deliver_sm') !== 0) return false
    if (receipt.read(deliver)) {
      this.onReceipt(body, atMs)
      return true
    }
    this.moReceived++
    const { message } = deliver
    if (this.tag.find(message, 0, message.length)) this.mo.add(this.tag.run, this.tag.n)
    return true
  }

  get refusalsByName(): Record<string, number> {
    return byName(this.refusals)
  }

  get unsuccessfulByName(): Record<string, number> {
    return byName(this.unsuccessful)
  }

  private onReceipt(body: Buffer, atMs: number): void {
    const { id_start, id_end, stat, final, intermediate } = this.receipt
    if (intermediate) {
      this.notifications++
      return
    }
    this.receipts++
    this.receiptsByStat.set(stat, (this.receiptsByStat.get(stat) ?? 0) + 1)
    this.journal?.receipt(body.toString('latin1', id_start, id_end), stat, atMs)
    if (!final) return
    const { n, receipts } = this.ids.receipt(body, id_start, id_end)
    if (receipts > (n === undefined ? 1 : (this.taken?.get(n) ?? 1))) this.duplicatedReceipts++
    else if (n !== undefined) {
      this.awaited--
      this.receiptLatency.record(atMs - this.startMs - this.sentAt.get(n) / 10)
    }
  }

  /** Destinations that a message went to: those that its response does not refuse. */
  private takenOf(n: number, body: Buffer): number {
    if (this.taken === undefined) return 1
    const answer = decodeBody('submit_multi_resp', body)
    const refused = answer.ok ? answer.body.unsuccess_sme : []
    for (const { error_status_code } of refused)
      this.unsuccessful.set(error_status_code, (this.unsuccessful.get(error_status_code) ?? 0) + 1)
    const taken = Math.max(0, this.destinations - refused.length)
    this.taken.set(n, taken)
    return taken
  }

  private onRefused(n: number, status: number, fromMs: number, atMs: number): void {
    this.refused++
    this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1)
    if (this.outcomes.get(n) !== ACKNOWLEDGED) this.outcomes.set(n, REFUSED)
    this.journal?.refused(n, status, fromMs, atMs)
  }
}

function byName(counts: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries([...counts].map(([status, n]) => [statusText(status), n]))
}

const OUTCOMES: readonly Outcome[] = ['unsent', 'sent', 'acknowledged', 'refused', 'inDoubt']
const UNSENT = 0
const SENT = 1
const ACKNOWLEDGED = 2
const REFUSED = 3
const IN_DOUBT = 4

/** Numbers by number, in pages of 65,536: at most 1,526 of them, for n ends at TAG_N_MAX. */
class Pages<A extends Uint8Array | Uint32Array> {
  private readonly kind: new (length: number) => A
  private readonly pages: (A | undefined)[] = []

  constructor(kind: new (length: number) => A) {
    this.kind = kind
  }

  get(n: number): number {
    return this.pages[n >>> 16]?.[n & 0xffff] ?? 0
  }

  set(n: number, value: number): void {
    ;(this.pages[n >>> 16] ??= new this.kind(65_536))[n & 0xffff] = value
  }
}
