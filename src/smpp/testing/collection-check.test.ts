import t from 'tap'
import { checkCollection } from './collection-check.js'
import type { MalformedPdu, ValidPdu } from './collection.js'

const hex = (spaced: string): string => spaced.replaceAll(' ', '')

const SUBMIT: ValidPdu = {
  id: 'submit',
  hex: hex(
    '00000032 00000004 00000000 00000007 00 01 01 313200 00 00 3300 00 00 00 00 00 ' +
      '11 00 08 00 03 686921 0204 0002 0009 1400 0001 aa',
  ),
  expect: {
    command: 'submit_sm',
    command_length: 50,
    command_id: '0x00000004',
    command_status: 0,
    sequence_number: 7,
    fields: {
      service_type: '',
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: '12',
      dest_addr_ton: 0,
      dest_addr_npi: 0,
      destination_addr: '3',
      esm_class: 0,
      protocol_id: 0,
      priority_flag: 0,
      schedule_delivery_time: '',
      validity_period: '',
      registered_delivery: 0x11,
      replace_if_present_flag: 0,
      data_coding: 8,
      sm_default_msg_id: 0,
      sm_length: 3,
      short_message_hex: '686921',
    },
    tlvs: [
      { tag: '0x0204', value_hex: '0009' },
      { tag: '0x1400', value_hex: 'aa' },
    ],
  },
}

function malformed(
  spaced: string,
  expect: Partial<MalformedPdu['expect']>,
  fields?: MalformedPdu['fields'],
): MalformedPdu {
  const common = { id: 'bad', hex: hex(spaced) }
  const full = { reply: null, close: false, note: '', ...expect }
  return fields === undefined ? { ...common, expect: full } : { ...common, expect: full, fields }
}

/** What differs where nothing but `expect` changes. */
function differencesOf(expect: Partial<ValidPdu['expect']>): string[] {
  const vectors = [{ ...SUBMIT, expect: { ...SUBMIT.expect, ...expect } }]
  return checkCollection({ vectors, malformed: [] }).map(({ what }) => what)
}

void t.test('a PDU that is what the collection says has no differences', t => {
  t.same(differencesOf({}), [])
  t.end()
})

void t.test('every part of the meaning is compared', t => {
  const { fields, tlvs } = SUBMIT.expect
  t.same(differencesOf({ command: 'deliver_sm' }), ['command'])
  t.same(differencesOf({ sequence_number: 8 }), ['sequence_number'])
  t.same(differencesOf({ command_length: 51 }), ['command_length'])
  for (const [field, value] of Object.entries(fields)) {
    const other = typeof value === 'number' ? value + 1 : `${String(value)}x`
    t.same(differencesOf({ fields: { ...fields, [field]: other } }), [field])
  }
  t.same(differencesOf({ fields: { ...fields, message_id: '1' } }), ['message_id'])
  t.same(differencesOf({ tlvs: [...tlvs].reverse() }), ['TLVs'])
  t.same(differencesOf({ tlvs: tlvs.slice(1) }), ['TLVs'])
  t.end()
})

const NACK = { command: 'generic_nack', command_status: '0x00000002' }
const ROWS: readonly { title: string; pdu: MalformedPdu; differs: readonly string[] }[] = [
  {
    title: 'a length that cannot be is nacked and closes',
    pdu: malformed('0000000f 00000015 00000000 00000001', { reply: NACK, close: true }),
    differs: [],
  },
  {
    title: 'what should not close is found',
    pdu: malformed('0000000f 00000015 00000000 00000001', { reply: NACK }),
    differs: ['the link closes'],
  },
  {
    title: 'a status is compared, with its ranges',
    pdu: malformed('00000012 00000004 00000000 00000001 4141', {
      reply: {
        command: 'its own response',
        command_status: '0x00000000 or 0x000000c0..0x000000c4',
      },
    }),
    differs: ['command_status'],
  },
  {
    title: 'a status of the range is right',
    pdu: malformed('00000012 00000004 00000000 00000001 4141', {
      reply: {
        command: 'generic_nack or submit_sm_resp',
        command_status: '0x00000014..0x00000016',
      },
    }),
    differs: [],
  },
  {
    title: 'an answer where none belongs is found',
    pdu: malformed('00000010 00000777 00000000 00000001', {}),
    differs: ['answers'],
  },
  {
    title: 'the PDU after an unknown one is answered',
    pdu: malformed('00000011 00000777 00000000 00000001 aa 00000010 00000015 00000000 00000002', {
      reply: { command: 'generic_nack', command_status: '0x00000003' },
      then: { command: 'enquire_link_resp', sequence_number: 3 },
    }),
    differs: ['then sequence_number'],
  },
  {
    title: 'what can be read all the same is compared',
    pdu: malformed('00000013 80000009 00000000 00000001 6100 50', {}, { system_id: 'b' }),
    differs: ['system_id'],
  },
]

for (const { title, pdu, differs } of ROWS) {
  void t.test(`of a malformed stream: ${title}`, t => {
    const found = checkCollection({ vectors: [], malformed: [pdu] })
    t.same(
      found.map(({ what }) => what),
      differs,
    )
    t.end()
  })
}
