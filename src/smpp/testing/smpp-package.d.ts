/** What our tests use of the `smpp` package, which has no types: an independent codec and client. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events'
  import type { Server as NetServer, Socket } from 'node:net'
  import type { Readable } from 'node:stream'

  type Values = Record<string, unknown>

  /** Parameters and TLVs are properties by their names. `toBuffer` changes the PDU: build a new one. */
  export class PDU {
    constructor(command: string | Buffer, options?: Values)
    /** The length that the next four octets of a stream give; false where they have not come. */
    static commandLength(stream: Readable): number | false
    static fromStream(stream: Readable, command_length: number): PDU | false
    command: string
    command_length: number
    command_id: number
    command_status: number
    sequence_number: number
    isResponse(): boolean
    response(options?: Values): PDU
    toBuffer(): Buffer
    [parameter: string]: unknown
  }

  type Answered = (pdu: PDU) => void
  type Shortcut = (options?: Values | Answered, answered?: Answered) => boolean

  export class Session extends EventEmitter {
    socket: Socket
    bind_transmitter: Shortcut
    bind_receiver: Shortcut
    bind_transceiver: Shortcut
    submit_sm: Shortcut
    submit_multi: Shortcut
    deliver_sm: Shortcut
    data_sm: Shortcut
    query_sm: Shortcut
    cancel_sm: Shortcut
    replace_sm: Shortcut
    enquire_link: Shortcut
    unbind: Shortcut
    send(pdu: PDU, answered?: Answered): boolean
    close(callback?: () => void): void
    destroy(callback?: () => void): void
  }

  export function connect(options: Values, listener?: () => void): Session
  export function createServer(options: Values, listener?: (session: Session) => void): NetServer

  const smpp: {
    PDU: typeof PDU
    Session: typeof Session
    connect: typeof connect
    createServer: typeof createServer
    addTLV: (name: string, tlv: { id: number; type: unknown }) => void
    types: { tlv: { cstring: unknown } }
  }
  export default smpp
}
