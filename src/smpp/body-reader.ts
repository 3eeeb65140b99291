import { assertNever } from '../base/assert.js'
import type { DestAddress, PduProblem, Tlv, UnsuccessSme } from './codec.js'
import type { CommandStatus } from './command-status.js'
import { statusFor, type Field } from './pdu-bodies.js'
import { isStrayNul } from './stray-nul.js'
import { tlvText } from './tlv-tags.js'

/** Reads the parameters of a body, one after the other. Never throws: see `problem`. */
export class BodyReader {
  /** The first thing that was wrong; what is read after it means nothing. */
  problem: PduProblem | undefined
  private readonly body: Buffer
  private at = 0
  private messageEnd = -1

  constructor(body: Buffer) {
    this.body = body
  }

  /** Octets read so far. */
  get position(): number {
    return this.at
  }

  field(field: Field): unknown {
    switch (field.kind) {
      case 'cstring':
        return this.cstring(field.name, field.tolerated)
      case 'uint8':
        return this.uint8(field.name)
      case 'message':
        return this.message()
      case 'destinations':
        return this.list('dest_address', () => this.destination())
      case 'unsuccessful':
        return this.list('unsuccess_sme', () => this.unsuccessful())
      case 'messageIds':
        return this.list('message_id', () => this.cstring('message_id', 65))
      default:
        return assertNever(field)
    }
  }

  tlvs(): Tlv[] {
    const tlvs: Tlv[] = []
    const { body, at: first } = this
    while (body.length - this.at >= 4) {
      const tag = this.uint16(this.at)
      const length = this.uint16(this.at + 2)
      const end = this.at + 4 + length
      if (end > body.length) {
        if (first === this.messageEnd && isStrayNul(body, first)) {
          this.at = first + 1
          return this.tlvs()
        }
        this.fail(
          'ESME_RINVPARLEN',
          tlvText(tag),
          `${length} octets claimed, ${body.length - this.at - 4} there`,
        )
        break
      }
      tlvs.push({ tag, value: body.subarray(this.at + 4, end) })
      this.at = end
    }
    return tlvs
  }

  private uint16(at: number): number {
    return (this.body[at]! << 8) | this.body[at + 1]!
  }

  private cstring(name: string, size: number): string {
    const { body, at } = this
    const end = Math.min(body.length, at + size)
    for (let i = at; i < end; i++) {
      if (body[i] === 0) {
        this.at = i + 1
        return i === at ? '' : body.toString('latin1', at, i)
      }
    }
    return this.fail(
      statusFor(name),
      name,
      end - at < size ? 'the body ends before its NUL' : `longer than ${size} octets`,
    )
  }

  private uint8(name: string): number {
    const value = this.body[this.at++]
    if (value !== undefined) return value
    this.fail('ESME_RINVCMDLEN', name, 'the body ends before it')
    return 0
  }

  private message(): Buffer {
    const length = this.uint8('sm_length')
    const end = this.at + length
    if (end > this.body.length) {
      this.fail(
        'ESME_RINVMSGLEN',
        'sm_length',
        `${length} octets claimed, ${Math.max(0, this.body.length - this.at)} there`,
      )
    }
    const message = this.body.subarray(this.at, end)
    this.at = end
    this.messageEnd = end
    return message
  }

  private list<T>(name: string, one: () => T): T[] {
    const items: T[] = []
    for (let left = this.uint8(name); left > 0 && this.problem === undefined; left--) {
      items.push(one())
    }
    return items
  }

  private destination(): DestAddress | undefined {
    const dest_flag = this.uint8('dest_flag')
    if (dest_flag === 2) return { dest_flag, dl_name: this.cstring('dl_name', 21) }
    if (dest_flag === 1) {
      return {
        dest_flag,
        dest_addr_ton: this.uint8('dest_addr_ton'),
        dest_addr_npi: this.uint8('dest_addr_npi'),
        destination_addr: this.cstring('destination_addr', 21),
      }
    }
    this.fail('ESME_RINVDESTFLAG', 'dest_flag', `is ${dest_flag}, neither 1 nor 2`)
    return undefined
  }

  private unsuccessful(): UnsuccessSme {
    const dest_addr_ton = this.uint8('dest_addr_ton')
    const dest_addr_npi = this.uint8('dest_addr_npi')
    const destination_addr = this.cstring('destination_addr', 65)
    let error_status_code = 0
    for (let i = 0; i < 4; i++) {
      error_status_code = error_status_code * 256 + this.uint8('error_status_code')
    }
    return { dest_addr_ton, dest_addr_npi, destination_addr, error_status_code }
  }

  /** Keeps the first problem. */
  private fail(command_status: CommandStatus, parameter: string, detail: string): string {
    this.problem ??= { command_status, parameter, detail }
    return ''
  }
}
