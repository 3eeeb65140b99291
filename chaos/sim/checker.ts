import { entryKey } from '../../cluster/log/keys.js'
import { decodeEntry as decodeLogRecord } from '../../cluster/log/records.js'
import { messageId, refOf } from '../../src/journal/ids.js'
import { decodeEntry, type Ref, type State } from '../../src/journal/index.js'
import type { Command, CommandResult, Outcome } from '../../src/journal/commands.js'
import type { SimDisk } from './disk.js'
import type { Trace } from './trace.js'
import { ReceiptOrder, unsyncedVote } from './wire-rules.js'

/** A rule that did not hold. */
export interface Violation {
  /** Stable: what shrinking and mutations compare. */
  rule: Rule
  text: string
  atMs: number
  /** What of the timeline belongs to it: tags, ids. */
  words: string[]
}

export type Rule =
  | 'one leader per term'
  | 'vote is durable'
  | 'log matching'
  | 'order of apply'
  | 'state hash'
  | 'commit is durable'
  | 'ack is committed'
  | 'one submit one message'
  | 'message_id is unique'
  | 'claim before send'
  | 'claims within windows'
  | 'a home ends with its epoch'
  | 'fence'
  | 'duplicates were in doubt'
  | 'refused is not sent'
  | 'receipt is committed'
  | 'receipt after response'
  | 'receipts in order'
  | 'query tells the truth'
  | 'nothing is lost'
  | 'receipts are complete'
  | 'progress'
  | 'no crash'

/** What was decided in the turn that applied it may still be written. */
const TURNS_MS = 0.1
/** DESIGN I5: two election timeouts, and a turn. */
const FENCE_MS = 1020

interface Applied {
  term: number
  data: Buffer
  /** State hash after it. */
  hash: string
}

/** One message as the outside knows it. */
export interface Message {
  tag: string
  /** Of the answer that its ESME got: a command_status, `none` where the session ended before. */
  status: string | undefined
  id: string
  answeredAtMs: number
  submittedAtMs: number
  /** The node that the ESME was bound to, and its boot of that time. */
  node: string
  session: number
  wantsReceipt: boolean
  /** Places in the log: more than one is a violation. */
  refs: Ref[]
  committedAtMs: number
  /** Grants and sends by node. */
  claims: Map<number, number>
  sends: Map<number, number>
  /** Times that the SMSC got it, and took it. */
  reached: number
  taken: number
  /** Claims that ended without the home's word that the SMSC refused it, or never got it. */
  timesInDoubt: number
  /** That word since the last claim: retry, unsent. */
  given: string
  receipts: number
  /** A final state that a receipt named, to an ESME that then knew it. */
  final: string
  /** The process that refused it died later. */
  refuserDied: boolean
}

/**
 * What must hold, checked against what the outside saw and against the entries that were applied: the
 * nodes' own opinion counts nowhere.
 */
export class Checker {
  readonly violations: Violation[] = []
  readonly messages = new Map<string, Message>()
  readonly byRef = new Map<Ref, Message>()
  private readonly byId = new Map<string, Message>()
  /** By index. */
  private readonly history: (Applied | undefined)[] = []
  private readonly leaders = new Map<number, number>()
  /** By `node smsc`: whether that node's own state calls it the home, and since when. */
  private readonly homes = new Map<string, { is: boolean; sinceMs: number }>()
  private readonly committedReceipts = new Set<string>()
  private readonly trace: Trace
  private readonly now: () => number
  private readonly disks: () => readonly SimDisk[]
  /** Refused submits that were sent all the same, as the nodes counted them (I8). */
  tooLate: () => number = () => 0
  /** When the node sent the latest record of which it can know, now, that a majority of these has heard. */
  heardByMajorityMs: (node: number, voters: readonly number[]) => number = () => Infinity
  /** A claim of `claimant` was granted; `node` is the first to apply it. */
  claimGranted: (node: number, claimant: number) => void = () => undefined
  /** How much slower than the world's the slowest clock of the node may have run. */
  slowness: (node: number) => number = () => 1
  /** Numbers of nodes that vote, as far as the node knows. */
  votersOf: (node: number) => readonly number[] = () => []
  private voters: (readonly number[])[] = []
  private readonly order = new ReceiptOrder()
  windowsMax = Infinity
  generation = -1
  lastIndex = 0
  firstSeen = 0

  constructor(trace: Trace, now: () => number, disks: () => readonly SimDisk[]) {
    this.trace = trace
    this.now = now
    this.disks = disks
  }

  fail(rule: Rule, text: string, ...words: string[]): void {
    this.trace.add('CHECK', `${rule}: ${text}`)
    if (this.violations.length < 20) this.violations.push({ rule, text, atMs: this.now(), words })
  }

  onLeader(leader: number, term: number): void {
    const known = this.leaders.get(term)
    this.leaders.set(term, leader)
    if (known !== undefined && known !== leader)
      this.fail('one leader per term', `term ${term}: nodes ${known} and ${leader}`)
  }

  get terms(): number {
    return this.leaders.size
  }

  /** Node `node` has applied an entry and is in `state` now. */
  onApply(node: number, index: number, term: number, data: Buffer, state: State): void {
    const known = this.history[index]
    const hash = state.hash.value
    this.lookAtHomes(node, state)
    if (known === undefined) {
      if (index > 1 && this.history[index - 1] === undefined && this.lastIndex > 0)
        this.fail('order of apply', `node ${node} applied ${index} after ${this.lastIndex}`)
      this.history[index] = { term, data: Buffer.from(data), hash }
      this.lastIndex = Math.max(this.lastIndex, index)
      if (index > 1) this.checkDurable(node, index, term) // 1 is the first membership, alike everywhere
      if (data.length > 0) this.onCommitted(index, data, state, node)
      this.checkWindows(index, state)
      this.order.onCommitted(state)
      return
    }
    if (known.term !== term || !known.data.equals(data))
      this.fail('log matching', `node ${node} applied another entry at ${index}`)
    else if (known.hash !== hash)
      this.fail('state hash', `node ${node} has ${hash} at ${index}, another ${known.hash}`)
  }

  /** A snapshot, or the state on disk, was taken over. */
  onState(node: number, state: State): void {
    this.lookAtHomes(node, state)
    const known = this.history[state.appliedIndex]
    if (known !== undefined && known.hash !== state.hash.value)
      this.fail(
        'state hash',
        `node ${node} took over ${state.hash.value} at ${state.appliedIndex}, not ${known.hash}`,
      )
  }

  /** An ESME sends it. */
  submitted(tag: string, node: string, session: number, wantsReceipt: boolean): Message {
    const message: Message = {
      tag,
      status: undefined,
      id: '',
      answeredAtMs: 0,
      submittedAtMs: this.now(),
      node,
      session,
      wantsReceipt,
      refs: [],
      committedAtMs: 0,
      claims: new Map(),
      sends: new Map(),
      reached: 0,
      taken: 0,
      timesInDoubt: 0,
      given: '',
      receipts: 0,
      final: '',
      refuserDied: false,
    }
    this.messages.set(tag, message)
    return message
  }

  /** An ESME got its answer. */
  answered(message: Message, status: string, id: string): void {
    message.status = status
    message.answeredAtMs = this.now()
    if (status !== 'ESME_ROK') return
    message.id = id
    const other = this.byId.get(id)
    if (other !== undefined && other !== message)
      this.fail('message_id is unique', `${id} for ${other.tag} and ${message.tag}`, message.tag)
    this.byId.set(id, message)
    const ref = message.refs[0]
    if (ref === undefined)
      this.fail('ack is committed', `${message.tag} was acknowledged uncommitted`, message.tag)
    else if (messageId(this.generation, 0, ref) !== id)
      this.fail('message_id is unique', `${message.tag} is at ${ref}, not at ${id}`, message.tag)
  }

  /** A submit_sm has come to an SMSC from a node. */
  reached(tag: string, node: number, smsc: string, writtenAtMs: number): void {
    const message = this.messages.get(tag)
    if (message === undefined) return this.fail('claim before send', `an unknown message: ${tag}`)
    message.reached++
    const sends = (message.sends.get(node) ?? 0) + 1
    message.sends.set(node, sends)
    const claims = message.claims.get(node) ?? 0
    if (sends > claims)
      this.fail(
        'claim before send',
        `node ${node} sent ${tag} ${sends} times with ${claims} claims`,
        tag,
      )
    const home = this.homes.get(`${node} ${smsc}`)
    if (home?.is === false && writtenAtMs > home.sinceMs + TURNS_MS)
      this.fail('a home ends with its epoch', `node ${node} wrote ${tag}, and knew better`, tag)
    // A positive answer is the other end of it; everything else is judged at the end.
    if (message.status !== undefined && isOutright(message.status))
      this.fail('refused is not sent', `${tag} was refused ${message.status}, and sent`, tag)
  }

  /** The SMSC says ESME_ROK to it. */
  taken(tag: string): void {
    const message = this.messages.get(tag)
    if (message === undefined) return
    message.taken++
    if (message.taken - 1 > message.timesInDoubt)
      this.fail(
        'duplicates were in doubt',
        `${tag} was sent ${message.taken} times, in doubt ${message.timesInDoubt} times`,
        tag,
      )
  }

  /** An SMSC got ESME_ROK for its receipt, or its MO. */
  receiptTaken(key: string): void {
    if (!this.committedReceipts.has(key))
      this.fail('receipt is committed', `${key} was answered and is not committed`, key)
  }

  /** An ESME got a receipt. It has it once it answers: `receipts` counts then. */
  receiptCame(id: string, session: number): Message | undefined {
    const message = this.byId.get(id) ?? this.messageAt(id)
    if (message === undefined) return undefined
    // On the session of the submit the response goes first; elsewhere the guard may have ended.
    if (message.status === undefined && message.session === session)
      this.fail(
        'receipt after response',
        `receipt of ${message.tag} before its response`,
        message.tag,
      )
    return message
  }

  /** An ESME asked, while it knew the state `known` ('' for none), and this is the answer. */
  queried(message: Message, status: string, state: number, known: string): void {
    const { tag } = message
    if (status === 'ESME_RQUERYFAIL' || status === 'ESME_RINVMSGID')
      this.fail('query tells the truth', `${tag} was acknowledged, and is ${status} now`, tag)
    else if (status === 'ESME_ROK' && state === ENROUTE && known !== '')
      this.fail('query tells the truth', `${tag} was ${known}, and is ENROUTE now`, tag)
  }

  /** A node hands a record to the network. */
  onRecord(from: number, to: number, record: Buffer): void {
    const disk = this.disks()[from - 1]
    const wrong = disk === undefined ? '' : unsyncedVote(from, to, record, disk)
    if (wrong !== '') this.fail('vote is durable', wrong)
  }

  /** A node writes octets to an SMSC. */
  onWrittenUpstream(node: number, octets: Buffer): void {
    const tag = tagIn(octets.toString('latin1'))
    if (tag === '') return
    // Around a change of members the leader may count with the other set.
    const sets = [this.votersOf(node), this.voters.at(-1) ?? []].filter(set => set.length > 0)
    const heardMs = Math.max(...sets.map(set => this.heardByMajorityMs(node, set)))
    const silentMs = this.now() - heardMs
    if (silentMs > FENCE_MS * this.slowness(node))
      this.fail(
        'fence',
        `node ${node} wrote ${tag}, unheard by a majority for ${silentMs.toFixed(0)} ms`,
        tag,
      )
  }

  /** A node writes octets to an ESME. */
  onWritten(node: string, octets: Buffer): void {
    const wrong = this.order.onWritten(node, octets, this.now())
    if (wrong !== '') this.fail('receipts in order', wrong)
  }

  /** At the end, after everything has settled. */
  finish(): void {
    let refusedAndSent = 0
    const refused: string[] = []
    for (const message of this.messages.values()) {
      const { tag, status, reached, wantsReceipt, receipts } = message
      if (status === 'ESME_ROK') {
        if (reached === 0) this.fail('nothing is lost', `${tag} never reached an SMSC`, tag)
        else if (wantsReceipt && receipts === 0)
          this.fail('receipts are complete', `the receipt of ${tag} never came`, tag)
      } else if (status !== undefined && status !== 'none' && reached > 0 && !message.refuserDied) {
        refusedAndSent++
        refused.push(tag)
      }
    }
    if (refusedAndSent > this.tooLate())
      this.fail(
        'refused is not sent',
        `${refusedAndSent} refused submits were sent, ${this.tooLate()} counted: ${refused.slice(0, 5).join(' ')}`,
        ...refused.slice(0, 2),
      )
  }

  private messageAt(id: string): Message | undefined {
    for (const [ref, message] of this.byRef)
      if (messageId(this.generation, 0, ref) === id) return message
    return undefined
  }

  /** First seen anywhere: a majority of the disks has it. */
  private checkDurable(node: number, index: number, term: number): void {
    const disks = this.disks()
    const holds = (id: number): boolean => {
      const value = disks[id - 1]?.durable('log', entryKey(0, index))
      return value !== undefined && decodeLogRecord(index, value)?.term === term
    }
    const voters = this.votersOf(node)
    if (voters.join() !== this.voters.at(-1)?.join())
      this.voters = [...this.voters.slice(-2), voters]
    // Around a change of members one of the sets has to do: who counted with which is the leader's own affair.
    const majority = this.voters.some(set => set.filter(holds).length > set.length / 2)
    if (!majority)
      this.fail(
        'commit is durable',
        `node ${node} applied ${index}, which ${voters.filter(holds).length} of ${voters.length} disks hold`,
      )
  }

  private onCommitted(index: number, data: Buffer, state: State, applier: number): void {
    if (this.generation < 0) this.generation = state.generation
    const entry = decodeEntry(data)
    if (entry === undefined) return
    const outcome = state.nodes.outcomeOf(entry.node, entry.number)
    if (outcome?.index !== index) return // refused as a whole, or a repetition
    entry.commands.forEach((command, at) => {
      this.onCommand(index, entry.node, command, outcome.results[at], applier)
    })
  }

  private onCommand(
    index: number,
    node: number,
    command: Command,
    result: Outcome['results'][number] | undefined,
    applier: number,
  ): void {
    if (result?.ok !== true) return
    if (command.kind === 'accept' && 'accepted' in result)
      this.onAccepted(index, command.records, result.accepted)
    else if (command.kind === 'claim' && 'claimed' in result) this.onClaimed(node, result, applier)
    else if (command.kind === 'outcomes')
      for (const item of command.items) {
        const message = this.byRef.get(item.ref)
        const refused = item.result === 'retry' || item.result === 'unsent'
        if (message !== undefined && refused) message.given = item.result
      }
    else if (command.kind === 'inbound' && 'inbound' in result)
      command.items.forEach((item, i) => {
        const verdict = result.inbound[i]
        if (verdict !== 'queueFull' && verdict !== 'noAccount')
          this.committedReceipts.add(
            item.kind === 'receipt' ? item.smscId : tagIn(item.body.toString('latin1')),
          )
      })
  }

  private onAccepted(
    index: number,
    records: Buffer,
    accepted: { first: number; count: number; refused: [number, string][] },
  ): void {
    const tags = records.toString('latin1').match(TAGS) ?? []
    const refusedOnes = new Set(accepted.refused.map(([offset]) => offset))
    tags.forEach((tag, i) => {
      const offset = accepted.first + i
      if (refusedOnes.has(offset)) return
      const message = this.messages.get(tag)
      if (message === undefined) return
      const ref = refOf(index, offset)
      message.refs.push(ref)
      message.committedAtMs = this.now()
      this.byRef.set(ref, message)
      if (message.refs.length > 1)
        this.fail('one submit one message', `${tag} is at ${message.refs.join(' and ')}`, tag)
    })
  }

  private onClaimed(node: number, result: CommandResult, applier: number): void {
    if (!result.ok || !('claimed' in result)) return
    if (result.claimed.length > 0) this.claimGranted(applier, node)
    for (const { index, lo, hi } of result.claimed)
      for (let offset = lo; offset < hi; offset++) {
        const message = this.byRef.get(refOf(index, offset))
        if (message === undefined) continue
        if (message.claims.size > 0 && message.given === '') message.timesInDoubt++
        message.given = ''
        message.claims.set(node, (message.claims.get(node) ?? 0) + 1)
      }
  }

  private lookAtHomes(node: number, state: State): void {
    for (const { id, home } of state.connectors.values()) {
      const key = `${node} ${id}`
      const is = home?.node === node
      if (this.homes.get(key)?.is !== is) this.homes.set(key, { is, sinceMs: this.now() })
    }
  }

  private checkWindows(index: number, state: State): void {
    for (const connector of state.connectors.values())
      if (connector.claims.size > this.windowsMax)
        this.fail(
          'claims within windows',
          `${connector.id} has ${connector.claims.size} open claims at ${index}`,
        )
  }
}

/** Said at once, of a submit that was never proposed. */
function isOutright(status: string): boolean {
  return status !== 'ESME_ROK' && status !== 'ESME_RSYSERR' && status !== 'none'
}

/** SMPP 3.4 §5.2.28. */
const ENROUTE = 1

export const TAGS = /[TM]=\d{6};/g

/** The tag in a text, or ''. */
export function tagIn(text: string): string {
  return /[TM]=\d{6};/.exec(text)?.[0] ?? ''
}
