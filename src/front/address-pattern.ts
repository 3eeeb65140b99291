import { addressHash } from '../journal/index.js'
import type { Body } from '../smpp/codec.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import type { RefusalCode } from './refusals.js'

const reader = new SubmitReader()

/** What a cancel_sm, or a submit_sm that replaces, says of the messages it means. */
export type AddressPattern = Omit<Body<'cancel_sm'>, 'message_id'>

/**
 * Whether the stored submit_sm is meant; 'match', or which parameter says no. Addresses are compared octet by octet,
 * an empty source_addr too; TON and NPI where they are known: 0 means that they are not.
 *
 * @param by  id: there is a message_id; destination_addr may be empty and service_type says nothing. addresses: an empty
 *            service_type says nothing. all: it is a service_type like any
 * Source: SMPP 3.4 §4.9.1, §5.2.18.
 */
export function matchOf(
  pattern: AddressPattern,
  submit: Buffer,
  by: 'id' | 'addresses' | 'all',
): 'match' | Extract<RefusalCode, 'otherSource' | 'otherDestination' | 'otherService'> {
  // One that cannot be read never was taken from an ESME.
  if (reader.read(submit, 'submit_sm') !== 0 || reader.source_addr !== pattern.source_addr)
    return 'otherSource'
  if (!fits(pattern.source_addr_ton, reader.source_addr_ton)) return 'otherSource'
  if (!fits(pattern.source_addr_npi, reader.source_addr_npi)) return 'otherSource'
  if (by === 'id' && pattern.destination_addr === '') return 'match'
  if (reader.destination_addr !== pattern.destination_addr) return 'otherDestination'
  if (!fits(pattern.dest_addr_ton, reader.dest_addr_ton)) return 'otherDestination'
  if (!fits(pattern.dest_addr_npi, reader.dest_addr_npi)) return 'otherDestination'
  if (by === 'id' || (by === 'addresses' && pattern.service_type === '')) return 'match'
  return reader.service_type === pattern.service_type ? 'match' : 'otherService'
}

const fits = (wanted: number, stored: number): boolean => wanted === 0 || wanted === stored

/** What apply keeps of the destination of a message that may be meant. */
export function destinationHash({ destination_addr }: AddressPattern): number {
  const octets = Buffer.from(destination_addr, 'latin1')
  return addressHash(octets, 0, octets.length)
}
