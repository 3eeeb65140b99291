import t from 'tap'
import { commandName, responseId, type CommandName } from './command-ids.js'
import { COMMAND_STATUS, statusName, statusText } from './command-status.js'
import {
  decodeBody,
  encodeBody,
  encodePdu,
  findTlv,
  readMessageId,
  tlv,
  tlvString,
} from './codec.js'
import { Framer, type FramedPdu } from './framing.js'
import { PDU_BODIES, type Field } from './pdu-bodies.js'
import { octetsOf, VECTORS } from './testing/vectors.js'
import { TLV_TAGS, tlvText } from './tlv-tags.js'

for (const { title, command, command_status, sequence_number, hex, body } of VECTORS) {
  void t.test(`${title} is read and written octet for octet`, t => {
    const octets = octetsOf(hex)
    for (const pdu of [framed([octets]), framed([...octets].map(octet => Buffer.of(octet)))]) {
      t.equal(commandName(pdu.command_id), command)
      t.equal(pdu.command_status, command_status)
      t.equal(pdu.sequence_number, sequence_number)
      const decoded = decodeBody(command, pdu.body)
      t.ok(decoded.ok)
      if (decoded.ok) t.match(decoded.body, { tlvs: [], ...body })
    }
    t.same(encodePdu(command, { command_status, sequence_number }, body), octets)
    t.end()
  })
}

void t.test('a C-octet string that is cut or too long is answered with its own status', t => {
  const rows = [
    { command: 'bind_receiver', hex: '', status: 'ESME_RINVSYSID', parameter: 'system_id' },
    { command: 'bind_receiver', hex: '6100 62', status: 'ESME_RINVPASWD', parameter: 'password' },
    {
      command: 'bind_receiver',
      hex: `6100 6200 ${'61'.repeat(13)}00`,
      status: 'ESME_RINVSYSTYP',
      parameter: 'system_type',
    },
    { command: 'query_sm', hex: '31', status: 'ESME_RINVMSGID', parameter: 'message_id' },
    {
      command: 'query_sm',
      hex: `3100 01 01 ${'39'.repeat(21)}00`,
      status: 'ESME_RINVSRCADR',
      parameter: 'source_addr',
    },
    {
      command: 'bind_receiver',
      hex: '6100 6200 00',
      status: 'ESME_RINVCMDLEN',
      parameter: 'interface_version',
    },
    {
      command: 'replace_sm',
      hex: '3100 00 00 00 00 00 00 00 05 6162',
      status: 'ESME_RINVMSGLEN',
      parameter: 'sm_length',
    },
    {
      command: 'submit_multi',
      hex: '00 00 00 00 01 03',
      status: 'ESME_RINVDESTFLAG',
      parameter: 'dest_flag',
    },
    {
      command: 'query_sm',
      hex: '3100 01 01 3200 0204 0003 0001',
      status: 'ESME_RINVPARLEN',
      parameter: 'user_message_reference',
    },
  ] as const
  for (const { command, hex, status, parameter } of rows) {
    const decoded = decodeBody(command, octetsOf(hex))
    t.match(decoded, { ok: false, problem: { command_status: status, parameter } })
  }
  t.end()
})

void t.test('every prefix of every body is read or refused, never thrown at', t => {
  for (const command of Object.keys(PDU_BODIES) as CommandName[]) {
    const full = encodeBody(command, { tlvs: [tlv.uint16('source_port', 7)] })
    for (let length = 0; length <= full.length; length++) {
      const decoded = decodeBody(command, full.subarray(0, length))
      if (length === full.length) t.ok(decoded.ok, command)
    }
  }
  t.end()
})

void t.test('every PDU of the standard has a vector', t => {
  const names = Object.keys(PDU_BODIES) as CommandName[]
  t.same(new Set(VECTORS.map(({ command }) => command)), new Set(names))
  t.end()
})

void t.test('in a response that refuses the status counts, and its body need not be right', t => {
  for (const hex of ['', '3031', '30'.repeat(80)]) {
    const decoded = decodeBody('submit_sm_resp', octetsOf(hex), COMMAND_STATUS.ESME_RINVDSTADR)
    t.match(decoded, { ok: true, headerOnly: true, body: { message_id: '', tlvs: [] } })
  }
  t.match(decodeBody('submit_sm_resp', octetsOf('3000'), COMMAND_STATUS.ESME_RMSGQFUL), {
    ok: true,
    headerOnly: false,
    body: { message_id: '0' },
  })
  t.match(decodeBody('submit_sm_resp', octetsOf('3031')), { ok: false })
  t.match(decodeBody('submit_sm', octetsOf('3031'), COMMAND_STATUS.ESME_RMSGQFUL), { ok: false })
  t.end()
})

void t.test('a NUL between message and TLVs is skipped, as SubmitReader skips it', t => {
  const text = encodeBody('submit_sm', { short_message: Buffer.from('hello') })
  const reference = Buffer.from('020400020007', 'hex')
  const decoded = decodeBody('submit_sm', Buffer.concat([text, Buffer.alloc(1), reference]))
  t.ok(decoded.ok)
  if (decoded.ok)
    t.same(decoded.body.tlvs, [{ tag: TLV_TAGS.user_message_reference, value: Buffer.of(0, 7) }])
  for (const stray of ['0000', '01'])
    t.notOk(decodeBody('submit_sm', Buffer.concat([text, Buffer.from(stray, 'hex'), reference])).ok)
  t.end()
})

void t.test('a response without a body, or with a stray octet after it, is read', t => {
  t.match(decodeBody('submit_sm_resp', Buffer.alloc(0)), {
    ok: true,
    headerOnly: true,
    body: { message_id: '' },
  })
  t.match(decodeBody('bind_transceiver_resp', octetsOf('6100 50')), {
    ok: true,
    body: { system_id: 'a', tlvs: [] },
  })
  t.end()
})

void t.test(
  'what a TLV claims beyond the body is left out of a deliver_sm, the rest is kept',
  t => {
    const whole = encodeBody('deliver_sm', {
      destination_addr: '1',
      tlvs: [tlv.uint8('message_state', 2)],
    })
    const decoded = decodeBody('deliver_sm', Buffer.concat([whole, octetsOf('001e 0041 616200')]))
    t.match(decoded, { ok: true, body: { destination_addr: '1', tlvs: { length: 1 } } })
    t.end()
  },
)

void t.test('an error response is written without its body', t => {
  const octets = encodePdu(
    'submit_sm_resp',
    { command_status: COMMAND_STATUS.ESME_RTHROTTLED, sequence_number: 7 },
    { message_id: 'never sent' },
  )
  t.same(octets, octetsOf('00000010 80000004 00000058 00000007'))
  t.end()
})

void t.test('a value that does not fit its parameter is the caller’s mistake', t => {
  t.throws(() => encodeBody('submit_sm', { source_addr: '1'.repeat(21) }), RangeError)
  t.throws(() => encodeBody('submit_sm', { source_addr: 'a\0b' }), RangeError)
  t.throws(() => encodeBody('submit_sm', { source_addr: '→' }), RangeError)
  t.throws(() => encodeBody('submit_sm', { esm_class: 256 }), RangeError)
  t.throws(() => encodeBody('submit_sm', { short_message: Buffer.alloc(256) }), RangeError)
  t.end()
})

void t.test('submit_multi lists its destinations, its response the failures', t => {
  const body = {
    dest_address: [
      { dest_flag: 1, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '49170' },
      { dest_flag: 2, dl_name: 'friends' },
    ],
  } as const
  t.match(decodeBody('submit_multi', encodeBody('submit_multi', structuredClone(body) as never)), {
    ok: true,
    body,
  })
  const failed = {
    message_id: 'x',
    unsuccess_sme: [
      {
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr: '49170',
        error_status_code: 0xfffffffe,
      },
    ],
  }
  t.match(decodeBody('submit_multi_resp', encodeBody('submit_multi_resp', failed)), {
    ok: true,
    body: failed,
  })
  t.end()
})

void t.test('names and numbers', t => {
  t.equal(responseId(0x103), 0x80000103)
  t.equal(commandName(0), undefined)
  t.equal(statusName(0x58), 'ESME_RTHROTTLED')
  t.equal(statusText(0x410), '0x00000410')
  t.equal(tlvText(0x1400), 'tlv 0x1400')
  t.equal(tlvString(Buffer.from('ab\0c')), 'ab')
  t.equal(findTlv([tlv.cstring('receipted_message_id', 'x')], 'receipted_message_id')?.length, 2)
  t.equal(readMessageId(octetsOf('616200')), 'ab')
  t.equal(readMessageId(octetsOf('6162')), '')
  const rows: Record<string, readonly Field[]> = PDU_BODIES
  for (const [name, fields] of Object.entries(rows)) {
    t.equal(new Set(fields.map(field => field.name)).size, fields.length, name)
  }
  t.end()
})

function framed(chunks: readonly Buffer[]): FramedPdu {
  const pdus: FramedPdu[] = []
  const framer = new Framer(65_536)
  for (const chunk of chunks) framer.push(chunk, pdu => pdus.push(pdu) > 0)
  return pdus[0]!
}
