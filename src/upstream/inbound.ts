import type { Counter } from '../base/metrics.js'
import type { CommandResult, InboundItem, InboundResult } from '../journal/index.js'
import { addressHash } from '../journal/index.js'
import type { Link } from '../link/link.js'
import type { Frame } from '../link/types.js'
import { findMoRoute } from '../policy/route.js'
import type { Connector } from '../policy/settings.js'
import { tlvRulesOf } from '../policy/tlv-rules.js'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import type { CommandStatus } from '../smpp/command-status.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { deliverBody } from '../smpp/read-body.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { partOf } from '../text/join.js'
import type { Context } from './context.js'
import { chooseId, readReceipt, type Receipt } from './receipts.js'
import { Transcoder } from './transcoder.js'

/** Items and octets of one command. */
const ITEMS_MAX = 1000
const OCTETS_MAX = 512 * 1024

/** The answer to an SMSC, by what apply made of its deliver_sm. */
const ANSWERS: Record<InboundResult, CommandStatus> = {
  matched: 'ESME_ROK',
  kept: 'ESME_ROK',
  queued: 'ESME_ROK',
  gathered: 'ESME_ROK',
  completed: 'ESME_ROK',
  repeated: 'ESME_ROK',
  unmatched: 'ESME_ROK',
  queueFull: 'ESME_RX_T_APPN',
  noAccount: 'ESME_RX_P_APPN',
}

/** A deliver_sm or data_sm that waits for its item to be applied. */
interface Unanswered {
  link: Link
  command_id: number
  sequence_number: number
}

/**
 * Receipts and messages of mobiles from the SMSC: gathered by turn into one command, and answered when it
 * is applied, never before (DESIGN I2). What is never applied is never answered. How many may wait is the
 * links' windowIn.
 */
export class Inbound {
  private readonly context: Context
  private readonly before: () => void
  private readonly reader = new SubmitReader()
  private readonly receipts: Map<string, Counter> = new Map()
  private readonly transcoder: Transcoder
  private settings: Connector
  private items: InboundItem[] = []
  private unanswered: Unanswered[] = []
  private octets = 0
  private flushSoon = false

  /** @param before  says to the log what it has to know before the items */
  constructor(context: Context, settings: Connector, before: () => void) {
    this.context = context
    this.transcoder = new Transcoder(context.journal)
    this.settings = settings
    this.before = before
  }

  apply(settings: Connector): void {
    this.settings = settings
  }

  /** Takes a request of the SMSC. */
  request(link: Link, frame: Frame): void {
    switch (frame.command_id) {
      case COMMAND_IDS.deliver_sm:
        return this.take(link, frame, frame.body)
      case COMMAND_IDS.data_sm: {
        const body = asDeliverSm(frame.body)
        if (typeof body !== 'string') return this.take(link, frame, body)
        return link.respond(COMMAND_IDS.data_sm, frame.sequence_number, body)
      }
      default:
        return // alert_notification and outbind have no response
    }
  }

  private take(link: Link, frame: Frame, body: Buffer): void {
    const { command_id, sequence_number } = frame
    const status = this.reader.read(body, 'deliver_sm')
    const item = status === 0 ? this.itemOf(deliverBody(this.reader)) : status
    if (typeof item === 'number') return link.respond(command_id, sequence_number, item)
    this.items.push(item)
    this.unanswered.push({ link, command_id, sequence_number })
    this.octets += body.length
    if (this.items.length >= ITEMS_MAX || this.octets >= OCTETS_MAX) this.flush()
    else if (!this.flushSoon) {
      this.flushSoon = true
      this.context.timers.soon(() => {
        this.flushSoon = false
        this.flush()
      })
    }
  }

  /** The item, or the command_status that refuses it. Copies the body: the frame's is gone after the call. */
  private itemOf(body: Buffer): InboundItem | number {
    const { reader } = this
    const receipt = readReceipt(reader)
    const kept = this.withoutTlvs(body)
    if (receipt !== undefined) {
      const smscId = chooseId(receipt, this.settings.messageIdFormat, id => this.awaits(id))
      if (this.context.logger.debugs === true) this.tell(smscId, receipt)
      return {
        kind: 'receipt',
        intermediate: receipt.intermediate,
        smscId,
        state: receipt.state,
        error: receipt.error,
        addressHash: addressHash(body, reader.source_addr_start, reader.source_addr_end),
        body: Buffer.from(kept),
      }
    }
    const { state } = this.context.journal
    const route = findMoRoute(state.settings.moRoutes, {
      connector: this.context.id,
      source_addr: reader.source_addr,
      destination_addr: reader.destination_addr,
    })
    const account = route === undefined ? undefined : state.account(route.to)
    if (account !== undefined) {
      const text = this.transcoder.incoming(kept, account.number, this.settings)
      const part = account.settings?.longMo === 'whole' ? partOf(text) : undefined
      return {
        kind: 'mo',
        account: account.number,
        ...(part === undefined ? {} : { part }),
        body: Buffer.from(text),
      }
    }
    this.countMo('ESME_RX_P_APPN')
    return COMMAND_STATUS.ESME_RX_P_APPN
  }

  /** Without the TLVs that the connector's rules let go no further. */
  private withoutTlvs(body: Buffer): Buffer {
    const { tlvs } = this.settings
    if (tlvs === undefined) return body
    const rules = tlvRulesOf(this.context.journal.state.settings, tlvs.from)
    return rules?.stripped(body, 'deliver_sm') ?? body
  }

  private tell(smscId: string, { state, error }: Receipt): void {
    const { journal, number, id, logger } = this.context
    const refs = journal.state.smscIds.candidates(number, smscId)
    logger.debug('receipt from the SMSC', {
      // Ambiguous where there are several: apply decides by the address.
      message_id: refs.length === 1 ? journal.idOf(refs[0]!) : null,
      connector: id,
      smscId,
      state,
      error,
    })
  }

  private awaits(smscId: string): boolean {
    const { journal, number } = this.context
    return journal.state.smscIds.candidates(number, smscId).length > 0
  }

  private flush(): void {
    if (this.items.length === 0) return
    this.before()
    const { items, unanswered } = this
    this.items = []
    this.unanswered = []
    this.octets = 0
    const { journal, number: connector, epoch } = this.context
    const taken = journal.proposer.propose({ kind: 'inbound', connector, epoch, items }, result =>
      this.answer(items, unanswered, result),
    )
    if (taken) return
    for (const one of unanswered)
      one.link.respond(one.command_id, one.sequence_number, 'ESME_RX_T_APPN')
  }

  private answer(
    items: readonly InboundItem[],
    unanswered: readonly Unanswered[],
    result: CommandResult,
  ): void {
    if (!result.ok || !('inbound' in result)) return // this boot is over, and with it the links
    for (let i = 0; i < unanswered.length; i++) {
      const { link, command_id, sequence_number } = unanswered[i]!
      const what = result.inbound[i]!
      const status = ANSWERS[what]
      const item = items[i]!
      if (item.kind === 'receipt') this.countReceipt(what)
      else {
        this.countMo(status)
        if (item.part !== undefined) this.countPart(what)
      }
      link.respond(command_id, sequence_number, status)
    }
  }

  private countReceipt(match: InboundResult): void {
    let counter = this.receipts.get(match)
    if (counter === undefined) {
      const labels = { connector: this.context.id, match }
      counter = this.context.metrics.counter('upstream_receipts_total', labels)
      this.receipts.set(match, counter)
    }
    counter.add()
  }

  private countPart(what: InboundResult): void {
    const labels = { connector: this.context.id, what }
    this.context.metrics.counter('upstream_mo_parts_total', labels).add()
  }

  private countMo(command_status: CommandStatus): void {
    const labels = { connector: this.context.id, command_status }
    this.context.metrics.counter('upstream_mo_total', labels).add()
  }
}

/** A data_sm body as the deliver_sm it might have been; or the status that refuses it. */
function asDeliverSm(body: Buffer): Buffer | CommandStatus {
  const decoded = decodeBody('data_sm', body)
  if (!decoded.ok) return decoded.problem.command_status
  const { source_addr, destination_addr } = decoded.body
  if (source_addr.length > 20) return 'ESME_RINVSRCADR'
  if (destination_addr.length > 20) return 'ESME_RINVDSTADR'
  return encodeBody('deliver_sm', decoded.body)
}
