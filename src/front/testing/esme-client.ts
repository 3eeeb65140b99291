import type { Clock, Timers } from '../../base/clock.js'
import { silentLogger } from '../../base/logger.js'
import { Link } from '../../link/link.js'
import { LIMITS } from '../../link/testing/recorder.js'
import type { Connection, Frame, LinkHandler, ResponseKind } from '../../link/types.js'
import { decodeBody, encodeBody, readMessageId, type Body } from '../../smpp/codec.js'
import { COMMAND_IDS, type BindName } from '../../smpp/command-ids.js'
import type { CommandStatus } from '../../smpp/command-status.js'
import { statusText } from '../../smpp/command-status.js'

/** What came back for a request: the status's name, and the body. */
export interface Answer {
  status: string
  message_id: string
  body: Buffer
}

/** An ESME that remembers everything, for tests of the front end. */
export class EsmeClient implements LinkHandler {
  readonly link: Link
  /** Status of each bind response, `none` where the link ended without one. */
  readonly binds: string[] = []
  /** Answers by the order of requests; holes are not answered yet. */
  readonly answers: Answer[] = []
  readonly delivered: Body<'deliver_sm'>[] = []
  /** How it answers deliver_sm; null: not at all. */
  answering: CommandStatus | null = 'ESME_ROK'
  /** deliver_sm that were not answered. */
  readonly held: number[] = []
  readonly outbinds: Pick<Body<'outbind'>, 'system_id' | 'password'>[] = []
  onOutbind: () => void = () => undefined
  closedReason: string | undefined
  unboundBySmsc = false
  private requests = 0

  constructor(connection: Connection, time: Clock & Timers) {
    this.link = new Link({
      side: 'esme',
      connection,
      limits: { ...LIMITS, windowOut: 10_000, windowIn: 10_000 },
      handler: this,
      clock: time,
      timers: time,
      logger: silentLogger,
    })
  }

  bind(
    fields: Partial<Body<'bind_transceiver'>> = {},
    command: BindName = 'bind_transceiver',
  ): this {
    const body = { system_id: 'esme1', password: 'secret1', ...fields }
    this.link.bind(command, body, result =>
      this.binds.push(
        result.ok
          ? `ESME_ROK ${result.system_id}`
          : result.command_status === undefined
            ? 'none'
            : statusText(result.command_status),
      ),
    )
    return this
  }

  submit(fields: Partial<Body<'submit_sm'>> = {}): this {
    return this.ask(
      COMMAND_IDS.submit_sm,
      encodeBody('submit_sm', {
        source_addr: '1000',
        destination_addr: '491701234567',
        short_message: Buffer.from('hello'),
        registered_delivery: 1,
        ...fields,
      }),
    )
  }

  ask(command_id: number, body: Buffer): this {
    this.link.request(command_id, body, this.requests++)
    return this
  }

  /** Statuses of the answers so far. */
  get statuses(): string[] {
    return this.answers.map(answer => answer.status)
  }

  /** Texts of what was delivered. */
  get texts(): string[] {
    return this.delivered.map(({ short_message }) => short_message.toString('latin1'))
  }

  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void {
    this.answers[tag as number] = {
      status: frame === undefined ? kind : statusText(frame.command_status),
      message_id: frame === undefined ? '' : readMessageId(frame.body),
      body: Buffer.from(frame?.body ?? []),
    }
  }

  closed(reason: string): void {
    this.closedReason = reason
  }

  unbinding(): void {
    this.unboundBySmsc = true
  }

  request({ command_id, sequence_number, body }: Frame): void {
    if (command_id === COMMAND_IDS.outbind) {
      const said = decodeBody('outbind', Buffer.from(body))
      if (said.ok) {
        const { system_id, password } = said.body
        this.outbinds.push({ system_id, password })
      }
      this.onOutbind()
      return
    }
    const decoded = decodeBody('deliver_sm', Buffer.from(body))
    if (command_id !== COMMAND_IDS.deliver_sm || !decoded.ok) return
    this.delivered.push(decoded.body)
    if (this.answering === null) this.held.push(sequence_number)
    else this.link.respond(command_id, sequence_number, this.answering)
  }
}
