import { messageId } from '../../src/journal/ids.js'
import type { Ref } from '../../src/journal/index.js'
import { decodeBody } from '../../src/smpp/codec.js'

/** One submit as the outside knows it: mostly the only one of its message. */
export interface Message {
  /** In its body, and in no other one's. */
  tag: string
  /** system_id. */
  account: string
  /** What a gateway that recognises what is submitted again has to go by. */
  content: string
  /** The index that the node of `node` had applied when it was submitted. */
  seenIndex: number
  /** Of the answer that its ESME got: a command_status, `none` where the session ended before. */
  status: string | undefined
  id: string
  answeredAtMs: number
  submittedAtMs: number
  /** schedule_delivery_time, in seconds from then on; 0: none. */
  delayS: number
  /** When a replacement wants it sent; 0: none has said. */
  putOffUntilMs: number
  /** The node that the ESME was bound to, and its boot of that time. */
  node: string
  session: number
  wantsReceipt: boolean
  wantsNotifications: boolean
  /** Submitted in transaction mode. */
  transaction: boolean
  /** Of the connection that it went over. */
  port: number
  /** When the node wrote a positive answer to the connection, or tried to; 0: not yet. */
  writtenAtMs: number
  /** Places in the log: more than one is a violation. */
  refs: Ref[]
  /** The place whose id its ESME knows it by: its own, or of the first of its submit_multi that was accepted. */
  idRef: Ref
  /** It got the place of this one, which was submitted before. */
  first: Message | undefined
  /** The first submit of what its ESME means to send once. */
  meant: Message
  committedAtMs: number
  /** Grants by node, and sends by node and part. */
  claims: Map<number, number>
  sends: Map<string, number>
  /** Times that an SMSC got some of it, and took some of it. */
  reached: number
  taken: number
  /** An SMSC has refused it for good, or a part of it. */
  refused: boolean
  /** So says the log. */
  rejected: boolean
  /** Claims that ended without the home's word that the SMSC refused it, or never got it. */
  timesInDoubt: number
  /** Claims by another home than the one before, which said what had become of it. */
  timesForgotten: number
  /** Of the last claim: whose it was, and of which epoch. */
  claimedBy: string
  /** That word since the last claim: retry, partly, unsent. */
  given: string
  receipts: number
  /** A final state that a receipt named, to an ESME that then knew it. */
  final: string
  /** The process that refused it died later. */
  refuserDied: boolean
}

/** What is known of it when it is submitted. */
export type Submitted = Pick<
  Message,
  | 'tag'
  | 'account'
  | 'content'
  | 'seenIndex'
  | 'node'
  | 'session'
  | 'wantsReceipt'
  | 'wantsNotifications'
  | 'transaction'
  | 'delayS'
  | 'submittedAtMs'
>

/** All messages of a world, by tag, by message_id and by place in the log. */
export class MessageBooks {
  readonly messages = new Map<string, Message>()
  /** Of the first entry that was committed; -1 before it. */
  generation = -1
  /** Ids of receipts, and pieces of MO, that are committed. */
  readonly inbound = new Set<string>()
  /** When each node's process was gone last, ms. */
  private readonly deaths = new Map<string, number>()
  private readonly places = new Map<Ref, Message>()
  private readonly ids = new Map<string, Message[]>()

  submitted(message: Submitted, earlier: Message | undefined): Message {
    const entry: Omit<Message, 'meant'> = {
      ...message,
      status: undefined,
      id: '',
      answeredAtMs: 0,
      port: 0,
      writtenAtMs: 0,
      refs: [],
      idRef: 0,
      first: undefined,
      committedAtMs: 0,
      claims: new Map(),
      sends: new Map(),
      reached: 0,
      taken: 0,
      refused: false,
      rejected: false,
      timesInDoubt: 0,
      timesForgotten: 0,
      claimedBy: '',
      given: '',
      receipts: 0,
      putOffUntilMs: 0,
      final: '',
      refuserDied: false,
    }
    const submit = entry as Message
    submit.meant = earlier?.meant ?? submit
    this.messages.set(submit.tag, submit)
    return submit
  }

  /** The message stands in the log there, and its ESME knows it by the id of `idRef`. */
  placed(message: Message, ref: Ref, idRef: Ref, atMs: number): void {
    message.refs.push(ref)
    message.idRef = idRef
    message.committedAtMs = atMs
    this.places.set(ref, message)
    const id = this.idOf(idRef)
    this.ids.set(id, [...(this.ids.get(id) ?? []), message])
  }

  at(ref: Ref): Message | undefined {
    return this.places.get(ref)
  }

  /** The message to this number that has the id. */
  withId(id: string, to: string): Message | undefined {
    const all = this.ids.get(id)
    return all?.find(({ content }) => destinationIn(content) === to)
  }

  /** All that their ESME knows by the id of this one. */
  sharing({ idRef }: Message): readonly Message[] {
    return this.ids.get(this.idOf(idRef)) ?? []
  }

  /** Whether its process was gone at any time since. */
  diedSince(node: string, atMs: number): boolean {
    return (this.deaths.get(node) ?? -Infinity) >= atMs
  }

  idOf(ref: Ref): string {
    return messageId(this.generation, 0, ref)
  }

  /** The message was refused. The process that said so may have died while its answer was under way. */
  refused(message: Message): void {
    if (this.diedSince(message.node, message.submittedAtMs)) message.refuserDied = true
  }

  /** A process is gone, and with it what it counted. */
  died(node: string, atMs: number): void {
    this.deaths.set(node, atMs)
    for (const message of this.messages.values())
      if (message.node === node && mayBeSent(message.status)) message.refuserDied = true
  }
}

/**
 * It was refused after it was proposed, perhaps, and may be in the log (DESIGN I8). ESME_RSUBMITFAIL covers the destinations of a
 * submit_multi that were refused for several reasons, and is what SMSCs say; ESME_RDELIVERYFAILURE is said in transaction mode.
 */
export const mayBeSent = (status: string | undefined): boolean =>
  status === 'ESME_RSYSERR' || status === 'ESME_RSUBMITFAIL' || status === 'ESME_RDELIVERYFAILURE'

/** Where a message of this content goes. */
export const destinationIn = (content: string): string => / to (\d+) as /.exec(content)?.[1] ?? ''

/** The tag of a submit_sm: a submit_multi has one tag for all its destinations, and each message that and its own. */
export function tagOf(body: Buffer): string {
  const tag = tagIn(body.toString('latin1'))
  if (!tag.startsWith('D')) return tag
  const decoded = decodeBody('submit_sm', Buffer.from(body))
  return decoded.ok ? multiTag(tag, decoded.body.destination_addr) : tag
}

export const multiTag = (tag: string, destination: string): string => `${tag}${destination}`

/** The tag in a text, or ''. */
export function tagIn(text: string): string {
  return /[TMD]=\d{6};/.exec(text)?.[0] ?? ''
}
