import { readFileSync } from 'node:fs'

/**
 * PDUs of other projects' test suites with their meaning, as a file of JSON that is not part of this repository:
 * `{ "vectors": ValidPdu[], "malformed": MalformedPdu[] }`; what else is in it is not read.
 */
export interface Collection {
  vectors: readonly ValidPdu[]
  malformed: readonly MalformedPdu[]
}

export interface ValidPdu {
  id: string
  /** The whole PDU. */
  hex: string
  expect: {
    command: string
    command_length: number
    /** "0x80000004" */
    command_id: string
    command_status: number
    sequence_number: number
    /** By name; short_message as `short_message_hex` beside `sm_length`. Empty where the PDU has no body. */
    fields: Readonly<Record<string, unknown>>
    /** In wire order. */
    tlvs: readonly { tag: string; value_hex: string }[]
  }
}

export interface MalformedPdu {
  id: string
  /** A stream: less than a PDU, one PDU, or one and another after it. */
  hex: string
  expect: {
    /** Null: nothing is answered. */
    reply: ExpectedReply | null
    /** Nothing may be answered as well. */
    reply_optional?: boolean
    /** A status other than that of `reply` is as good. */
    reply_may_refuse?: boolean
    /** Whether the connection ends with it. */
    close: boolean
    note: string
    /** What is answered to the PDU after it. */
    then?: { command: string; sequence_number: number }
  }
  /** Parameters that can be read all the same. */
  fields?: Readonly<Record<string, unknown>>
}

export interface ExpectedReply {
  /** A name, several with "or" between them; "its own response". */
  command: string
  /** "not 0", or values and ranges: "0x00000000 or 0x000000c0..0x000000c4". */
  command_status?: string
}

/** @throws Error where the file cannot be read, or is something else */
export function readCollection(file: string): Collection {
  const { vectors, malformed } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Collection>
  if (!Array.isArray(vectors) || !Array.isArray(malformed))
    throw new Error(`${file} has no "vectors" and "malformed"`)
  return { vectors: vectors as ValidPdu[], malformed: malformed as MalformedPdu[] }
}
