import type { AcceptRecord } from './accept-record.js'
import { acceptRecordOctets, writeAcceptRecord } from './accept-record.js'
import type { CommandResult, Outcome, Refusal } from './commands.js'
import type { EncodedCommand } from './command-codec.js'
import { ACCEPT_HEADER_OCTETS, encodedAccept, writeAcceptHeader } from './command-codec.js'
import { indexOf, offsetOf } from './ids.js'

/** Why a submit gets no message_id, besides what apply says: no answer in time, or no leader that long. */
export type SubmitRefusal = Refusal | 'timeout' | 'noLeader'

/** Who waits for a submitted message's place. One of the two is called, once. */
export interface SubmitTicket {
  /** `again`: the place is that of the same message submitted earlier (docs/decisions/0012). */
  accepted(index: number, offset: number, again?: boolean): void
  refused(why: SubmitRefusal): void
}

const FIRST_OCTETS = 16 * 1024

/** Submitted messages on their way into one proposal, a section per (connector, priority, revision). */
export class SubmitGather {
  private readonly sections: Map<number, Section> = new Map()
  count = 0
  octets = 0

  /** Copies the record's body: socket chunks are not kept alive (HOTPATH). */
  add(
    connector: number,
    priority: number,
    revision: number,
    record: AcceptRecord,
    ticket: SubmitTicket,
  ): void {
    const key = (revision * 65536 + connector) * 4 + priority
    let section = this.sections.get(key)
    if (section === undefined) {
      section = new Section(connector, priority, revision)
      this.sections.set(key, section)
    }
    this.octets += section.add(record, ticket)
    this.count++
  }

  commands(): EncodedCommand[] {
    return [...this.sections.values()].map(section => section.encode())
  }

  /** Answers all tickets as apply decided. */
  settle({ index, results }: Outcome): void {
    let i = 0
    for (const section of this.sections.values()) section.settle(index, results[i++] ?? results[0]!)
  }

  refuse(why: SubmitRefusal): void {
    for (const section of this.sections.values())
      for (const ticket of section.tickets) ticket.refused(why)
  }
}

class Section {
  readonly tickets: SubmitTicket[] = []
  private readonly connector: number
  private readonly priority: number
  private readonly revision: number
  private payload = Buffer.allocUnsafe(FIRST_OCTETS)
  private end = ACCEPT_HEADER_OCTETS

  constructor(connector: number, priority: number, revision: number) {
    this.connector = connector
    this.priority = priority
    this.revision = revision
  }

  /** Returns the octets it took. */
  add(record: AcceptRecord, ticket: SubmitTicket): number {
    const octets = acceptRecordOctets(record)
    if (this.end + octets > this.payload.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.payload.length, this.end + octets))
      this.payload.copy(larger, 0, 0, this.end)
      this.payload = larger
    }
    this.end = writeAcceptRecord(this.payload, this.end, record)
    this.tickets.push(ticket)
    return octets
  }

  encode(): EncodedCommand {
    const { connector, priority, revision } = this
    writeAcceptHeader(this.payload, 0, {
      connector,
      priority,
      revision,
      count: this.tickets.length,
    })
    return encodedAccept(this.payload.subarray(0, this.end), this.tickets.length)
  }

  settle(index: number, result: CommandResult): void {
    if (!result.ok) {
      for (const ticket of this.tickets) ticket.refused(result.why)
      return
    }
    if (!('accepted' in result)) return
    const { first, refused, matched = NONE } = result.accepted
    let next = 0
    let nextMatched = 0
    for (let i = 0; i < this.tickets.length; i++) {
      const no = refused[next]
      const earlier = matched[nextMatched]
      if (no?.[0] === first + i) {
        next++
        this.tickets[i]!.refused(no[1])
      } else if (earlier?.[0] === first + i) {
        nextMatched++
        this.tickets[i]!.accepted(indexOf(earlier[1]), offsetOf(earlier[1]), true)
      } else this.tickets[i]!.accepted(index, first + i)
    }
  }
}

const NONE: readonly [number, number][] = []
