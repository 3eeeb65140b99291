import type { State } from '../../src/journal/index.js'
import { CancelRules } from './cancel-rules.js'
import { CommitBooks } from './commit-books.js'
import type { SimDisk } from './disk.js'
import { LogRules } from './log-rules.js'
import { mayBeSent, MessageBooks, tagIn, type Message, type Submitted } from './message-books.js'
import { MoRules, type MoPiece } from './mo-rules.js'
import { MultiRules } from './multi-rules.js'
import { NotificationRules } from './notification-rules.js'
import { PartRules, type Copy } from './part-rules.js'
import { pieceText, type Piece } from './pieces.js'
import { ReplaceRules } from './replace-rules.js'
import { ResubmissionRules } from './resubmission-rules.js'
import type { SimProcess } from './process.js'
import type { Trace } from './trace.js'
import { TransactionRules } from './transaction-rules.js'
import { Violations, type Rule, type Violation } from './violations.js'
import { DeliveryOrder, positiveAnswers, unsyncedVote } from './wire-rules.js'

/** What was decided in the turn that applied it may still be written. */
const TURNS_MS = 0.1
/** DESIGN I5: two election timeouts, and a turn. */
const FENCE_MS = 1020
/** SMPP 3.4 §5.2.28. */
const ENROUTE = 1
const DELETED = 4

/** What the checker asks the world. */
export interface Outlook {
  now(): number
  disks(): readonly SimDisk[]
  /** How far the wall clocks of two nodes may be apart, at any time. */
  clocksApartMs: number
  /** Claims that a connector may have open. */
  windowsMax: number
  /** Refused submits that were sent all the same, as the nodes counted them (I8). */
  tooLate(): number
  /** When the node sent the latest record of which it can know, now, that a majority of these has heard. */
  heardByMajorityMs(node: number, voters: readonly number[]): number
  /** The last index that this node (`node 2`) has applied; 0 while it is away. */
  appliedIndex(node: string): number
  /** Its process; undefined while it is away. */
  processOf(node: string): SimProcess | undefined
  /** It runs now, and the world reaches it. */
  isThere(node: string): boolean
  /** How much slower than the world's the slowest clock of the node may have run. */
  slowness(node: number): number
  /** Numbers of nodes that vote, as far as the node knows. */
  votersOf(node: number): readonly number[]
  /** A claim of `claimant` was granted; `node` is the first to apply it. */
  claimGranted(node: number, claimant: number): void
}

/**
 * What must hold, checked against what the outside saw and against the entries that were applied: the
 * nodes' own opinion counts nowhere.
 */
export class Checker {
  readonly books = new MessageBooks()
  readonly log: LogRules
  readonly cancels: CancelRules
  readonly replaces: ReplaceRules
  readonly parts: PartRules
  readonly multis: MultiRules
  readonly transactions: TransactionRules
  readonly mos: MoRules
  readonly notifications: NotificationRules
  private readonly outlook: Outlook
  private readonly found: Violations
  private readonly order = new DeliveryOrder({
    at: ref => this.books.at(ref)?.tag,
    named: (id, of) => this.books.withId(id, of)?.tag,
    owed: refs => this.mos.onOwed(refs),
    notification: delivery => this.notifications.onOwed(delivery),
  })
  private readonly resubmissions: ResubmissionRules
  /** When nodes heard of the ends of connections, by port. */
  private readonly overAtMs = new Map<number, number>()
  /** By node and index. */
  private readonly appliedAtMs: number[][] = []
  /** Submits by `port sequence_number`, those that may be submitted again. */
  private readonly asking = new Map<string, Message[]>()

  constructor(trace: Trace, outlook: Outlook) {
    this.outlook = outlook
    this.found = new Violations(trace, () => outlook.now())
    this.resubmissions = new ResubmissionRules({
      books: this.books,
      violations: this.found,
      now: () => outlook.now(),
      brokeOver: (message, index) => this.brokeOver(message, index),
    })
    const { books, resubmissions, found: violations } = this
    this.cancels = new CancelRules({ books, violations, resubmissions })
    const { cancels } = this
    this.parts = new PartRules({ books, violations, saidBy: message => replaces.saidBy(message) })
    const { parts } = this
    const replaces = new ReplaceRules({
      books,
      violations,
      resubmissions,
      cancels,
      replaced: message => parts.onReplaced(message),
    })
    this.replaces = replaces
    this.multis = new MultiRules({ violations })
    this.transactions = new TransactionRules({
      books,
      violations,
      now: () => outlook.now(),
      isTaken: message => parts.isTaken(message),
      processOf: node => outlook.processOf(node),
      isThere: node => outlook.isThere(node),
      appliedIndex: node => outlook.appliedIndex(node),
    })
    this.mos = new MoRules(this.found)
    this.notifications = new NotificationRules({
      books,
      violations,
      isNamed: (message, id) => parts.isNamed(message, id),
    })
    const commits = new CommitBooks({
      mos: this.mos,
      cancels,
      replaces,
      parts,
      multis: this.multis,
      transactions: this.transactions,
      notifications: this.notifications,
      books: this.books,
      order: this.order,
      resubmissions: this.resubmissions,
      violations: this.found,
      now: () => outlook.now(),
      claimGranted: (node, claimant) => outlook.claimGranted(node, claimant),
    })
    this.log = new LogRules({
      violations: this.found,
      now: () => outlook.now(),
      disks: () => outlook.disks(),
      votersOf: node => outlook.votersOf(node),
      windowsMax: outlook.windowsMax,
      committed: (index, data, state, node) => commits.onCommitted(index, data, state, node),
    })
  }

  get violations(): readonly Violation[] {
    return this.found.list
  }

  fail(rule: Rule, text: string, ...words: string[]): void {
    this.found.fail(rule, text, ...words)
  }

  onLeader(leader: number, term: number): void {
    this.log.onLeader(leader, term)
  }

  onApply(node: number, index: number, term: number, data: Buffer, state: State): void {
    const applied = (this.appliedAtMs[node] ??= [])
    applied[index] = this.outlook.now()
    this.log.onApply(node, index, term, data, state)
  }

  onState(node: number, state: State): void {
    this.log.onState(node, state)
  }

  /** An ESME sends it; `earlier`: it was submitted before as this one. */
  submitted(
    submit: Omit<Submitted, 'submittedAtMs' | 'seenIndex'>,
    earlier: Message | undefined,
  ): Message {
    const { outlook } = this
    const seenIndex = outlook.appliedIndex(submit.node)
    const submitted = { ...submit, seenIndex, submittedAtMs: outlook.now() }
    const message = this.books.submitted(submitted, earlier)
    this.transactions.onSubmitted(message)
    return message
  }

  /** It went over the connection with this port, under this sequence_number. */
  asked(message: Message, port: number, sequence: number): void {
    message.port = port
    const key = `${port} ${sequence}`
    this.asking.set(key, [...(this.asking.get(key) ?? []), message])
  }

  /** An ESME got its answer. */
  answered(message: Message, status: string, id: string): void {
    message.status = status
    message.answeredAtMs = this.outlook.now()
    if (mayBeSent(status)) this.books.refused(message)
    this.transactions.onAnswered(message)
    if (status !== 'ESME_ROK') return
    message.id = id
    const { tag, first } = message
    const { refs, idRef } = first ?? message
    const ref = refs[0]
    if (ref === undefined) this.fail('ack is committed', `${tag} was acknowledged uncommitted`, tag)
    else if (this.books.idOf(idRef) !== id)
      this.fail('message_id is unique', `${tag} is at ${ref}, not at ${id}`, tag)
  }

  /** A submit_sm has come to an SMSC from a node. */
  reached(tag: string, piece: Piece, node: number, smsc: string, writtenAtMs: number): void {
    const message = this.books.messages.get(tag)
    if (message === undefined) return this.fail('claim before send', `an unknown message: ${tag}`)
    message.reached++
    this.cancels.onReached(message)
    this.scheduleKept(message)
    if (piece.cut === '') this.replaces.onReached(message, piece.text)
    else this.parts.onReached(message, piece)
    const what = `${node}${pieceText(piece)}`
    const sends = (message.sends.get(what) ?? 0) + 1
    message.sends.set(what, sends)
    const claims = message.claims.get(node) ?? 0
    if (sends > claims)
      this.fail(
        'claim before send',
        `node ${node} sent ${tag}${pieceText(piece)} ${sends} times with ${claims} claims`,
        tag,
      )
    if (writtenAtMs > (this.log.noHomeSinceMs(node, smsc) ?? Infinity) + TURNS_MS)
      this.fail('a home ends with its epoch', `node ${node} wrote ${tag}, and knew better`, tag)
    // A positive answer is the other end of it; everything else is judged at the end.
    if (message.status !== undefined && isOutright(message.status))
      this.fail('refused is not sent', `${tag} was refused ${message.status}, and sent`, tag)
  }

  private scheduleKept({ tag, submittedAtMs, delayS, putOffUntilMs }: Message): void {
    const { clocksApartMs } = this.outlook
    const dueAtMs = putOffUntilMs > 0 ? putOffUntilMs : submittedAtMs + delayS * 1000
    const earlyMs = dueAtMs - clocksApartMs - this.outlook.now()
    if ((delayS > 0 || putOffUntilMs > 0) && earlyMs > 0)
      this.fail('a schedule is kept', `${tag} was sent ${earlyMs.toFixed(0)} ms early`, tag)
  }

  /** The SMSC says ESME_ROK to it, or to a part of it. */
  taken(tag: string, copy: Copy): void {
    const message = this.books.messages.get(tag)
    if (message === undefined) return
    message.taken++
    this.parts.onTaken(message, copy)
  }

  /** The SMSC refuses it, or a part of it, for good. */
  refused(tag: string): void {
    const message = this.books.messages.get(tag)
    if (message !== undefined) message.refused = true
  }

  /** An SMSC got ESME_ROK for its receipt, or its MO. */
  receiptTaken(key: string): void {
    if (!this.books.inbound.has(key))
      this.fail('receipt is committed', `${key} was answered and is not committed`, key)
  }

  /** An ESME got a receipt of what went to the number `of`, which names this final state. It has it once it answers: `receipts` counts then. */
  receiptCame(id: string, of: string, session: number, state: string): Message | undefined {
    const message = this.books.withId(id, of)
    if (message === undefined) return undefined
    const { tag } = message
    // On the session of the submit the response goes first; elsewhere the guard may have ended.
    if (message.status === undefined && message.session === session)
      this.fail('receipt after response', `receipt of ${tag} before its response`, tag)
    this.transactions.onReceipt(message)
    this.cancels.onFinal(message, state, this.cancels.isCancelled(message))
    this.parts.onFinal(message, state)
    return message
  }

  /** An ESME of this account got an intermediate notification of what went to the number `of`. */
  notificationCame(word: string, id: string, of: string, account: string): void {
    this.notifications.onCame(word, this.books.withId(id, of), account)
  }

  /** An ESME has taken an MO. */
  moTaken(pieces: readonly MoPiece[]): void {
    for (const piece of pieces)
      if (!this.books.inbound.has(piece))
        this.fail('receipt is committed', `${piece} came to an ESME and is not committed`, piece)
    this.mos.onTaken(pieces)
  }

  /**
   * An ESME asked, while it knew the state `known` ('' for none) and the message was `cancelled` or not, and this is
   * the answer.
   */
  queried(
    message: Message,
    status: string,
    state: number,
    { known, cancelled }: { known: string; cancelled: boolean },
  ): void {
    const { tag } = message
    const alone = this.books.sharing(message.first ?? message).length <= 1
    if (status === 'ESME_ROK' && alone && (cancelled || state === DELETED))
      this.cancels.onFinal(message, state === DELETED ? 'DELETED' : String(state), cancelled)
    if (status === 'ESME_RQUERYFAIL' || status === 'ESME_RINVMSGID')
      this.fail('query tells the truth', `${tag} was acknowledged, and is ${status} now`, tag)
    else if (status === 'ESME_ROK' && state === ENROUTE && known !== '')
      this.fail('query tells the truth', `${tag} was ${known}, and is ENROUTE now`, tag)
  }

  /** A node hands a record to the network. */
  onRecord(from: number, to: number, record: Buffer): void {
    const disk = this.outlook.disks()[from - 1]
    const wrong = disk === undefined ? '' : unsyncedVote(from, to, record, disk)
    if (wrong !== '') this.fail('vote is durable', wrong)
  }

  /** A node writes octets to an SMSC. */
  onWrittenUpstream(node: number, octets: Buffer): void {
    const tag = tagIn(octets.toString('latin1'))
    if (tag === '') return
    const { outlook } = this
    // Around a change of members the leader may count with the other set.
    const sets = [outlook.votersOf(node), this.log.latestVoters].filter(set => set.length > 0)
    const heardMs = Math.max(...sets.map(set => outlook.heardByMajorityMs(node, set)))
    const silentMs = outlook.now() - heardMs
    if (silentMs > FENCE_MS * outlook.slowness(node))
      this.fail(
        'fence',
        `node ${node} wrote ${tag}, unheard by a majority for ${silentMs.toFixed(0)} ms`,
        tag,
      )
  }

  /** A node writes octets to an ESME. */
  onWritten(node: string, octets: Buffer): void {
    const wrong = this.order.onWritten(node, octets, this.outlook.now())
    if (wrong !== '') this.fail('receipts in order', wrong)
  }

  /** A node writes octets to an ESME's connection, or tries to. */
  onAnswers(octets: Buffer, port: number): void {
    if (this.asking.size === 0) return
    for (const sequence of positiveAnswers(octets)) {
      const key = `${port} ${sequence}`
      const asked = this.asking.get(key)
      if (asked === undefined) continue
      for (const message of asked) message.writtenAtMs = this.outlook.now()
      this.asking.delete(key)
    }
  }

  /** A node hears that its connection with this port is over. */
  onOver(port: number): void {
    this.overAtMs.set(port, this.outlook.now())
  }

  /** The connection broke in the very turn in which its node applied this index, and so answered the message. */
  private brokeOver({ node, port }: Message, index: number): boolean {
    const applied = this.appliedAtMs[Number(node.slice('node '.length))]
    const waitedMs = (this.overAtMs.get(port) ?? Infinity) - (applied?.[index] ?? -Infinity)
    return waitedMs >= 0 && waitedMs < TURNS_MS
  }

  /** An acknowledged message has come to an SMSC, all of it, or was refused there or cancelled. */
  hasCome(message: Message): boolean {
    return this.cancels.isCancelled(message) || this.parts.hasCome(message.first ?? message)
  }

  /** Its ESME waits for a receipt, and is right. */
  owesReceipt(message: Message): boolean {
    const first = message.first ?? message
    return message.wantsReceipt && first.receipts === 0 && this.parts.isDue(first)
  }

  /** At the end, after everything has settled. */
  finish(): void {
    this.resubmissions.finish()
    this.notifications.finish()
    let refusedAndSent = 0
    const refused: string[] = []
    for (const message of this.books.messages.values()) {
      const { tag, status } = message
      if (status === 'ESME_ROK') {
        if (!this.hasCome(message))
          this.fail('nothing is lost', `${tag} never reached an SMSC, not all of it`, tag)
        else if (this.owesReceipt(message))
          this.fail('receipts are complete', `the receipt of ${tag} never came`, tag)
      } else if (
        status !== undefined &&
        status !== 'none' &&
        message.reached > 0 &&
        !message.refuserDied &&
        !this.transactions.isTold(message)
      ) {
        refusedAndSent++
        refused.push(tag)
      }
    }
    this.mos.finish()
    const tooLate = this.outlook.tooLate()
    if (refusedAndSent > tooLate)
      this.fail(
        'refused is not sent',
        `${refusedAndSent} refused submits were sent, ${tooLate} counted: ${refused.slice(0, 5).join(' ')}`,
        ...refused.slice(0, 2),
      )
  }
}

/** Said at once, of a submit that was never proposed. */
const isOutright = (status: string): boolean =>
  status !== 'ESME_ROK' && status !== 'none' && !mayBeSent(status)
