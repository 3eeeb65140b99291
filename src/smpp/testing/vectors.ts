import type { CommandName } from '../command-ids.js'
import type { Body } from '../codec.js'

/** A whole PDU in literal octets, and what it says. Written from SMPP 3.4 §4, by hand. */
export interface Vector<N extends CommandName = CommandName> {
  title: string
  command: N
  command_status: number
  sequence_number: number
  /** Hexadecimal; spaces part the parameters. */
  hex: string
  body: Partial<Body<N>>
}

const vector = <N extends CommandName>(v: Vector<N>): Vector => v
const text = (value: string): Buffer => Buffer.from(value, 'latin1')

export const VECTORS: readonly Vector[] = [
  vector({
    title: 'bind_transceiver',
    command: 'bind_transceiver',
    command_status: 0,
    sequence_number: 1,
    hex: '00000028 00000009 00000000 00000001 65736d653100 7365637265743100 564d5300 34 01 01 343900',
    body: {
      system_id: 'esme1',
      password: 'secret1',
      system_type: 'VMS',
      interface_version: 0x34,
      addr_ton: 1,
      addr_npi: 1,
      address_range: '49',
    },
  }),
  vector({
    title: 'bind_transmitter_resp with sc_interface_version',
    command: 'bind_transmitter_resp',
    command_status: 0,
    sequence_number: 2,
    hex: '0000001e 80000002 00000000 00000002 636172696c6c6f6e00 0210 0001 34',
    body: { system_id: 'carillon', tlvs: [{ tag: 0x0210, value: Buffer.of(0x34) }] },
  }),
  vector({
    title: 'submit_sm with every parameter set',
    command: 'submit_sm',
    command_status: 0,
    sequence_number: 0x7fffffff,
    hex:
      '00000063 00000004 00000000 7fffffff 434d5400 05 00 41636d6500 01 01 34393137303132333400 ' +
      '40 7f 03 323630313032303330343035303030 2b 00 303030303031303030303030303030 52 00 ' +
      '11 01 08 02 05 050003aa02 0204 0002 0007 1400 0003 616263',
    body: {
      service_type: 'CMT',
      source_addr_ton: 5,
      source_addr_npi: 0,
      source_addr: 'Acme',
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: '491701234',
      esm_class: 0x40,
      protocol_id: 0x7f,
      priority_flag: 3,
      schedule_delivery_time: '260102030405000+',
      validity_period: '000001000000000R',
      registered_delivery: 0x11,
      replace_if_present_flag: 1,
      data_coding: 8,
      sm_default_msg_id: 2,
      short_message: Buffer.of(5, 0, 3, 0xaa, 2),
      tlvs: [
        { tag: 0x0204, value: Buffer.of(0, 7) },
        { tag: 0x1400, value: text('abc') }, // a vendor's own
      ],
    },
  }),
  vector({
    title: 'enquire_link with the largest sequence_number there is',
    command: 'enquire_link',
    command_status: 0,
    sequence_number: 0xffffffff,
    hex: '00000010 00000015 00000000 ffffffff',
    body: {},
  }),
  vector({
    title: 'generic_nack',
    command: 'generic_nack',
    command_status: 3,
    sequence_number: 0,
    hex: '00000010 80000000 00000003 00000000',
    body: {},
  }),
  vector({
    title: 'deliver_sm_resp: a single NUL',
    command: 'deliver_sm_resp',
    command_status: 0,
    sequence_number: 9,
    hex: '00000011 80000005 00000000 00000009 00',
    body: { message_id: '' },
  }),
  vector({
    title: 'query_sm_resp',
    command: 'query_sm_resp',
    command_status: 0,
    sequence_number: 3,
    hex: '00000026 80000003 00000000 00000003 303100 3236303130323033303430353030302b00 02 00',
    body: { message_id: '01', final_date: '260102030405000+', message_state: 2, error_code: 0 },
  }),
  vector({
    title: 'deliver_sm with an empty message and a message_payload',
    command: 'deliver_sm',
    command_status: 0,
    sequence_number: 5,
    hex:
      '00000030 00000005 00000000 00000005 00 01 01 313200 00 00 3334353600 00 00 00 00 00 00 00 00 00 00 ' +
      '0424 0005 68656c6c6f',
    body: {
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: '12',
      destination_addr: '3456',
      tlvs: [{ tag: 0x0424, value: text('hello') }],
    },
  }),
]

export const octetsOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
