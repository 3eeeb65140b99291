import { addressText } from '../../base/address.js'
import type { Clock, Timers } from '../../base/clock.js'
import { silentLogger } from '../../base/logger.js'
import { Link } from '../../link/link.js'
import { connectionPair } from '../../link/testing/connection-pair.js'
import type { Connection, Frame, ResponseKind } from '../../link/types.js'
import type { Body } from '../../smpp/codec.js'
import { decodeBody, encodeBody, tlv } from '../../smpp/codec.js'
import { COMMAND_IDS, isBind } from '../../smpp/command-ids.js'
import type { CommandStatus } from '../../smpp/command-status.js'
import { COMMAND_STATUS, statusText } from '../../smpp/command-status.js'
import type { ConnectTo } from '../context.js'

/** A submit_sm as the SMSC got it. */
export interface Submitted {
  link: Link
  sequence_number: number
  body: Buffer
  fields: Body<'submit_sm'>
  text: string
  /** 1, 2, 3 … in the order of arrival. */
  ordinal: number
  /** Monotonic ms. */
  atMs: number
}

/** What the SMSC does with a submit_sm: a status, an id with ESME_ROK, or nothing yet. */
export type Verdict = CommandStatus | { id: string } | 'later'

/** An SMSC in memory that does what a test says, over connections in memory, or any that it is given. */
export class ScriptedSmsc {
  readonly submitted: Submitted[] = []
  /** Links that are bound, oldest first. */
  readonly links: Link[] = []
  /** Answers to our deliver_sm: tag and status, or how it ended. */
  readonly delivered: string[] = []
  readonly connects: ConnectTo[] = []
  readonly binds: Body<'bind_transceiver'>[] = []
  /** Connections are refused while this is set. */
  refuses: string | undefined
  /** host:port that are down. */
  readonly down: Set<string> = new Set()
  bindStatus: CommandStatus = 'ESME_ROK'
  /** Default: each message gets an id, `smsc-1` and so on. */
  answer: (submitted: Submitted) => Verdict = ({ ordinal }) => ({ id: `smsc-${ordinal}` })
  private readonly time: Clock & Timers

  constructor(time: Clock & Timers) {
    this.time = time
  }

  readonly connect = (to: ConnectTo): Promise<Connection> => {
    this.connects.push(to)
    const refuses = this.down.has(addressText(to)) ? 'ECONNREFUSED' : this.refuses
    if (refuses !== undefined)
      return Promise.reject(Object.assign(new Error('refused'), { code: refuses }))
    const [ours, theirs] = connectionPair(this.time)
    this.take(ours)
    return Promise.resolve(theirs)
  }

  get texts(): string[] {
    return this.submitted.map(({ text }) => text)
  }

  /** Answers a submit_sm that waited. */
  respond(submitted: Submitted, verdict: Exclude<Verdict, 'later'>): void {
    const { link, sequence_number } = submitted
    if (typeof verdict === 'string') link.respond(COMMAND_IDS.submit_sm, sequence_number, verdict)
    else
      link.respond(
        COMMAND_IDS.submit_sm,
        sequence_number,
        'ESME_ROK',
        encodeBody('submit_sm_resp', { message_id: verdict.id }),
      )
  }

  /** Sends a receipt on the newest link that takes some; `form` says where the id stands. */
  receipt(
    id: string,
    { source_addr = '49170', form = 'both', stat = 'DELIVRD', state = 2, tlvId = id } = {},
  ): void {
    const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:${stat} err:007 text:x`
    this.deliver(id, {
      source_addr,
      destination_addr: '1234',
      esm_class: form === 'bare' ? 0 : 4,
      short_message: Buffer.from(form === 'tlv' ? '' : text),
      tlvs:
        form === 'text' || form === 'bare'
          ? []
          : [tlv.cstring('receipted_message_id', tlvId), tlv.uint8('message_state', state)],
    })
  }

  deliver(tag: string, fields: Partial<Body<'deliver_sm'>>): void {
    const link = this.links.findLast(({ boundAs }) => boundAs !== 'bind_transmitter')!
    link.request(COMMAND_IDS.deliver_sm, encodeBody('deliver_sm', fields), tag)
  }

  /** Speaks over a connection that was made to it. */
  take(connection: Connection): void {
    const link: Link = new Link({
      side: 'smsc',
      connection,
      limits: {
        windowIn: 100_000,
        windowOut: 10_000,
        pduOctetsMax: 65_536,
        bindTimeoutMs: 10_000,
        enquireLinkMs: 30_000,
        inactivityTimeoutMs: 90_000,
        responseTimeoutMs: 60_000,
        writeQueueOctetsMax: 64 * 1024 * 1024,
      },
      handler: {
        request: frame => this.request(link, frame),
        response: (tag, kind, frame) => this.delivered.push(said(tag, kind, frame)),
        closed: () => this.forget(link),
        unbinding: () => this.forget(link),
      },
      clock: this.time,
      timers: this.time,
      logger: silentLogger,
    })
  }

  private forget(link: Link): void {
    const at = this.links.indexOf(link)
    if (at >= 0) this.links.splice(at, 1)
  }

  private request(link: Link, frame: Frame): void {
    const { command_id, sequence_number } = frame
    if (isBind(command_id)) {
      const decoded = decodeBody('bind_transceiver', frame.body)
      if (decoded.ok) this.binds.push(decoded.body)
      link.respond(command_id, sequence_number, this.bindStatus, Buffer.from('smsc\0'))
      if (this.bindStatus === 'ESME_ROK') this.links.push(link)
      return
    }
    if (command_id !== COMMAND_IDS.submit_sm) return
    const body = Buffer.from(frame.body)
    const decoded = decodeBody('submit_sm', body)
    if (!decoded.ok) return link.respond(command_id, sequence_number, COMMAND_STATUS.ESME_RSYSERR)
    const submitted: Submitted = {
      link,
      sequence_number,
      body,
      fields: decoded.body,
      text: decoded.body.short_message.toString('latin1'),
      ordinal: this.submitted.length + 1,
      atMs: this.time.monotonicMs(),
    }
    this.submitted.push(submitted)
    const verdict = this.answer(submitted)
    if (verdict !== 'later') this.respond(submitted, verdict)
  }
}

function said(tag: unknown, kind: ResponseKind, frame: Frame | undefined): string {
  const what = frame === undefined ? kind : statusText(frame.command_status)
  return `${String(tag)} ${what}`
}
