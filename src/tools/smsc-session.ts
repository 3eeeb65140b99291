import { decodeBody } from '../smpp/codec.js'
import { COMMAND_IDS, commandName, isBind, type BindName } from '../smpp/command-ids.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { Link } from '../link/link.js'
import type { Connection, Frame, LinkHandler, ResponseKind } from '../link/types.js'
import type { SmscCore } from './smsc-core.js'
import { idBody, idText, keepForReceipt } from './smsc-messages.js'
import type { Outbox, Outgoing } from './smsc-outbox.js'

/** One connection to the simulator: takes the bind and the submits, hands deliver_sm out. */
export class SmscSession implements LinkHandler {
  readonly link: Link
  systemId = ''
  submits = 0
  private readonly core: SmscCore
  private readonly connection: Connection
  private outbox: Outbox | undefined
  private isCut = false

  constructor(core: SmscCore, connection: Connection) {
    this.core = core
    this.connection = connection
    const { limits, effects } = core
    const { clock, timers, logger } = effects
    this.link = new Link({ side: 'smsc', connection, limits, handler: this, clock, timers, logger })
  }

  request(frame: Frame): void {
    if (this.isCut) return // the rest of a chunk that had come before
    if (frame.command_id === COMMAND_IDS.submit_sm) this.onSubmit(frame)
    else if (isBind(frame.command_id)) this.onBind(frame)
    else {
      const status =
        frame.command_id === COMMAND_IDS.query_sm ? 'ESME_RQUERYFAIL' : 'ESME_RINVCMDID'
      this.link.respond(frame.command_id, frame.sequence_number, status)
    }
  }

  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void {
    this.outbox?.answered(tag as Outgoing, kind, frame?.command_status ?? 0)
  }

  ready(): void {
    this.outbox?.pumpSoon()
  }

  unbinding(): void {
    this.outbox?.detach(this.link)
  }

  closed(): void {
    this.outbox?.detach(this.link)
    this.core.sessions.delete(this)
  }

  /** Ends the connection at once, whatever is owed. */
  cut(): void {
    this.isCut = true
    this.connection.destroy()
  }

  private onBind(frame: Frame): void {
    const command = commandName(frame.command_id) as BindName
    const decoded = decodeBody(command, frame.body)
    const status = decoded.ok ? this.core.admit(decoded.body) : 'ESME_RBINDFAIL'
    if (status !== 'ESME_ROK' || !decoded.ok) {
      this.core.counters.bindsRefused++
      this.link.respond(frame.command_id, frame.sequence_number, status)
      this.link.close('bind refused')
      return
    }
    this.core.counters.binds++
    this.systemId = decoded.body.system_id
    this.outbox = this.core.outbox(this.systemId)
    this.link.respond(frame.command_id, frame.sequence_number, 'ESME_ROK', SYSTEM_ID)
    if (command !== 'bind_transmitter') this.outbox.attach(this.link)
  }

  private onSubmit(frame: Frame): void {
    const { core } = this
    const { counters, faults, submit, tag } = core
    counters.submits++
    this.submits++
    const { sequence_number } = frame
    const broken = submit.read(frame.body, 'submit_sm')
    const status = broken === 0 ? faults.verdict(core.effects.clock.monotonicMs()) : broken
    if (status !== 0) {
      counters.refuse(status)
      this.answer(sequence_number, status, undefined)
      return
    }
    counters.accepted++
    const nowMs = core.effects.clock.nowMs()
    const { start, end } = messageRange(submit)
    if (tag.find(submit.body, start, end)) {
      core.tags.add(tag.run, tag.n)
      core.log.add(tag.run, tag.n, nowMs)
    } else {
      counters.untagged++
    }
    const number = core.nextNumber()
    const { disconnectEvery, receiptDelayMs, submitIdFormat } = faults.behaviour
    if (this.wantsReceipt(submit)) {
      const state = faults.receiptState()
      if (asksFor(submit.registered_delivery, state === 'DELIVERED')) {
        const message = keepForReceipt(submit, number, nowMs, state)
        core.receiptLater(this.systemId, message, receiptDelayMs)
      }
    }
    if (disconnectEvery > 0 && this.submits % disconnectEvery === 0) {
      counters.unanswered++
      this.cut()
    } else if (faults.swallows()) {
      counters.unanswered++
    } else {
      this.answer(sequence_number, 0, idBody(idText(number, submitIdFormat)))
    }
  }

  private wantsReceipt(submit: SubmitReader): boolean {
    const asked = submit.registered_delivery & REGISTERED_DELIVERY.receipt_mask
    return asked !== 0 && this.core.faults.makesReceipt()
  }

  private answer(sequence_number: number, status: number, body: Buffer | undefined): void {
    const delayMs = this.core.faults.responseDelay()
    if (delayMs === 0) this.link.respond(COMMAND_IDS.submit_sm, sequence_number, status, body)
    else this.core.answerLater({ link: this.link, sequence_number, status, body }, delayMs)
  }
}

const SYSTEM_ID = Buffer.from('smsc-sim\0', 'latin1')

/** Source: SMPP 3.4 §5.2.17; 3, on success only, is SMPP 5.0's. */
function asksFor(registered_delivery: number, delivered: boolean): boolean {
  const asked = registered_delivery & REGISTERED_DELIVERY.receipt_mask
  if (asked === REGISTERED_DELIVERY.failure) return !delivered
  return asked === REGISTERED_DELIVERY.always || delivered
}

function messageRange(submit: SubmitReader): { start: number; end: number } {
  return submit.message_payload_start >= 0
    ? { start: submit.message_payload_start, end: submit.message_payload_end }
    : { start: submit.short_message_start, end: submit.short_message_end }
}
