import { fnv1a } from '../base/fnv.js'
import { decodeBody, encodeBody, type UnsuccessSme } from '../smpp/codec.js'
import { COMMAND_IDS, commandName, isBind, type BindName } from '../smpp/command-ids.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { isTransaction, REGISTERED_DELIVERY, type MessageState } from '../smpp/constants.js'
import { submitBodyOf } from '../smpp/data-sm.js'
import { readSubmitMulti } from '../smpp/multi-submit.js'
import type { SubmitReader } from '../smpp/submit-reader.js'
import { Link } from '../link/link.js'
import type { Connection, Frame, LinkHandler, ResponseKind } from '../link/types.js'
import type { SmscCore } from './smsc-core.js'
import { idBody, idText, keepForReceipt } from './smsc-messages.js'
import { answerRequest } from './smsc-requests.js'
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
    const { command_id, sequence_number, body } = frame
    switch (command_id) {
      case COMMAND_IDS.submit_sm:
        this.onSubmit(frame, body)
        break
      case COMMAND_IDS.data_sm:
        this.onSubmit(frame, submitBodyOf(body))
        break
      case COMMAND_IDS.submit_multi:
        this.onMulti(frame)
        break
      default: {
        if (isBind(command_id)) {
          this.onBind(frame)
          break
        }
        const { core, systemId } = this
        core.counters.request(commandName(command_id) ?? `0x${command_id.toString(16)}`)
        const asker = {
          systemId,
          nowMs: core.effects.clock.nowMs(),
          idFormat: core.faults.behaviour.submitIdFormat,
        }
        const answer = answerRequest(core.memory, command_id, body, asker)
        this.link.respond(command_id, sequence_number, answer.status, answer.body)
      }
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

  /** @param body  of a submit_sm, or the status that one cannot be made of a data_sm with */
  private onSubmit(frame: Frame, body: Buffer | number): void {
    const { core } = this
    const { faults, submit } = core
    this.countSubmit()
    const broken = typeof body === 'number' ? body : submit.read(body, 'submit_sm')
    const status = broken === 0 ? faults.verdict(core.effects.clock.monotonicMs()) : broken
    if (status !== 0) {
      this.refuse(frame, status)
      return
    }
    const number = core.nextNumber()
    const { receiptDelayMs, submitIdFormat } = faults.behaviour
    const inTransaction = isTransaction(submit.esm_class)
    const state = this.accept(number, inTransaction)
    if (inTransaction && state !== 'DELIVERED')
      this.conclude(frame, COMMAND_STATUS.ESME_RDELIVERYFAILURE, undefined, receiptDelayMs)
    else
      this.conclude(
        frame,
        0,
        idBody(idText(number, submitIdFormat)),
        inTransaction ? receiptDelayMs : 0,
      )
  }

  /** Each destination has an answer of its own; all have one id. Source: SMPP 3.4 §4.5. */
  private onMulti(frame: Frame): void {
    const { core } = this
    const { counters, faults, submit } = core
    this.countSubmit()
    const multi = readSubmitMulti(frame.body)
    const status =
      typeof multi === 'number' ? multi : faults.verdict(core.effects.clock.monotonicMs())
    if (typeof multi === 'number' || status !== 0) {
      this.refuse(frame, status)
      return
    }
    const number = core.nextNumber()
    const unsuccess_sme: UnsuccessSme[] = []
    for (const address of multi.dest_address) {
      const error =
        address.dest_flag === 2
          ? COMMAND_STATUS.ESME_RINVDLNAME // there are no lists here
          : submit.read(multi.bodyTo(address), 'submit_sm') || faults.unsuccess()
      if (error === 0) {
        this.accept(number, false)
        continue
      }
      counters.refuse(error)
      unsuccess_sme.push({
        dest_addr_ton: address.dest_flag === 1 ? address.dest_addr_ton : 0,
        dest_addr_npi: address.dest_flag === 1 ? address.dest_addr_npi : 0,
        destination_addr: address.dest_flag === 1 ? address.destination_addr : address.dl_name,
        error_status_code: error,
      })
    }
    if (unsuccess_sme.length === multi.dest_address.length) {
      this.conclude(frame, COMMAND_STATUS.ESME_RSUBMITFAIL, undefined, 0)
      return
    }
    const message_id = idText(number, faults.behaviour.submitIdFormat)
    const body = encodeBody('submit_multi_resp', { message_id, unsuccess_sme })
    this.conclude(frame, 0, body, 0)
  }

  private countSubmit(): void {
    this.core.counters.submits++
    this.submits++
  }

  /** Takes the message that the core's reader has read: counts and remembers it, and has its receipts made. @returns its end */
  private accept(number: number, inTransaction: boolean): MessageState {
    const { core, systemId } = this
    const { counters, faults, submit, tag } = core
    counters.accepted++
    const nowMs = core.effects.clock.nowMs()
    const { start, end } = messageRange(submit)
    if (tag.find(submit.body, start, end)) {
      core.tags.add(tag.run, tag.n)
      core.log.add(tag.run, tag.n, nowMs)
    } else {
      counters.untagged++
    }
    const asked = inTransaction ? 0 : submit.registered_delivery
    const notifies = (asked & REGISTERED_DELIVERY.intermediate) !== 0 && faults.makesNotification()
    // Over two binds a receipt that left together with its notification could be there first.
    const finalMs = Math.max(faults.behaviour.receiptDelayMs, notifies ? APART_MS : 0)
    const state = faults.receiptState()
    const { body, source_addr_start, source_addr_end } = submit
    const { destination_addr_start, destination_addr_end } = submit
    core.memory.keep(
      number,
      systemId,
      state,
      nowMs + finalMs,
      fnv1a(body, source_addr_start, source_addr_end),
      fnv1a(body, destination_addr_start, destination_addr_end),
    )
    if ((asked & ASKS_FOR_REPORTS) === 0) return state
    const message = keepForReceipt(submit, number, nowMs, state)
    if (notifies) core.receiptLater({ kind: 'notification', systemId, message }, finalMs / 2)
    if ((asked & REGISTERED_DELIVERY.receipt_mask) !== 0 && faults.makesReceipt())
      core.receiptLater({ kind: 'receipt', systemId, message }, finalMs)
    return state
  }

  private refuse(frame: Frame, status: number): void {
    this.core.counters.refuse(status)
    this.answer(frame, status, undefined, 0)
  }

  /** Answers, unless the answer is to be lost. */
  private conclude(
    frame: Frame,
    status: number,
    body: Buffer | undefined,
    delayMsMin: number,
  ): void {
    const { counters, faults } = this.core
    const { disconnectEvery } = faults.behaviour
    if (disconnectEvery > 0 && this.submits % disconnectEvery === 0) {
      counters.unanswered++
      this.cut()
    } else if (faults.swallows()) {
      counters.unanswered++
    } else {
      this.answer(frame, status, body, delayMsMin)
    }
  }

  private answer(
    { command_id, sequence_number }: Frame,
    status: number,
    body: Buffer | undefined,
    delayMsMin: number,
  ): void {
    const delayMs = Math.max(delayMsMin, this.core.faults.responseDelay())
    this.core.answer({ link: this.link, command_id, sequence_number, status, body }, delayMs)
  }
}

const SYSTEM_ID = Buffer.from('smsc-sim\0', 'latin1')

/** From a message to its receipt at least, where a notification comes half-way. */
const APART_MS = 200
const ASKS_FOR_REPORTS = REGISTERED_DELIVERY.receipt_mask | REGISTERED_DELIVERY.intermediate

function messageRange(submit: SubmitReader): { start: number; end: number } {
  return submit.message_payload_start >= 0
    ? { start: submit.message_payload_start, end: submit.message_payload_end }
    : { start: submit.short_message_start, end: submit.short_message_end }
}
