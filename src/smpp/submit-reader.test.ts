import t from 'tap'
import { statusName } from './command-status.js'
import { encodeBody, tlv, type Body } from './codec.js'
import { bodyWithout, wholeBody } from './read-body.js'
import { SubmitReader } from './submit-reader.js'
import { octetsOf, VECTORS } from './testing/vectors.js'
import { TLV_TAGS } from './tlv-tags.js'

void t.test('notes where everything lies', t => {
  const reader = new SubmitReader()
  const vector = VECTORS.find(({ command }) => command === 'submit_sm')!
  const body = octetsOf(vector.hex).subarray(16)
  t.equal(reader.read(body, 'submit_sm'), 0)
  const { short_message, tlvs, ...simple } = vector.body as Body<'submit_sm'>
  t.match(Object.assign({}, reader, picked(reader)), simple)
  t.same(reader.message, short_message)
  t.equal(reader.user_message_reference, 7)
  t.same(reader.tlv(0x1400), tlvs[1]?.value)
  t.equal(reader.tlv(0x1401), undefined)
  t.equal(body[reader.esm_class_at], 0x40)
  t.equal(body[reader.registered_delivery_at], 0x11)
  t.equal(reader.tlvs_end, body.length)
  t.end()
})

void t.test('message_payload is the message', t => {
  const reader = new SubmitReader()
  const text = Buffer.from('x'.repeat(1000))
  reader.read(submit({ tlvs: [tlv.octets('message_payload', text)] }), 'submit_sm')
  t.same(reader.message, text)
  reader.read(submit({ short_message: Buffer.from('y') }), 'submit_sm')
  t.same(reader.message, Buffer.from('y'), 'of this PDU, not of the one before')
  t.end()
})

void t.test('refuses with the status of the parameter', t => {
  const long = (length: number): string => '1'.repeat(length)
  const raw = (hex: string): Buffer => octetsOf(hex)
  const rows: { body: Buffer; status: string; parameter: string; deliver?: string }[] = [
    { body: raw('61'), status: 'ESME_RINVSERTYP', parameter: 'service_type' },
    { body: raw('00 01'), status: 'ESME_RINVCMDLEN', parameter: 'source_addr_ton' },
    {
      body: raw(`00 01 01 ${'31'.repeat(21)} 00 01 01 00`),
      status: 'ESME_RINVSRCADR',
      parameter: 'source_addr',
    },
    { body: raw('00 01 01 31'), status: 'ESME_RINVSRCADR', parameter: 'source_addr' },
    { body: raw('00 01 01 00 01'), status: 'ESME_RINVCMDLEN', parameter: 'dest_addr_ton' },
    {
      body: raw(`00 01 01 00 01 01 ${'31'.repeat(21)}00`),
      status: 'ESME_RINVDSTADR',
      parameter: 'destination_addr',
    },
    {
      body: submit({ destination_addr: '' }),
      status: 'ESME_RINVDSTADR',
      parameter: 'destination_addr',
      deliver: 'ESME_ROK',
    },
    { body: raw('00 01 01 00 01 01 3100 00'), status: 'ESME_RINVCMDLEN', parameter: 'esm_class' },
    {
      body: submit({ schedule_delivery_time: 'tomorrow' }),
      status: 'ESME_RINVSCHED',
      parameter: 'schedule_delivery_time',
      deliver: 'ESME_ROK',
    },
    {
      body: submit({ validity_period: '000000010000000Z' }),
      status: 'ESME_RINVEXPIRY',
      parameter: 'validity_period',
      deliver: 'ESME_ROK',
    },
    {
      body: raw(`00 01 01 00 01 01 3100 00 00 00 00 ${long(20)}`),
      status: 'ESME_RINVEXPIRY',
      parameter: 'validity_period',
    },
    {
      body: raw('00 01 01 00 01 01 3100 00 00 00 00 00 00 00 00'),
      status: 'ESME_RINVCMDLEN',
      parameter: 'registered_delivery',
    },
    {
      body: submit({ replace_if_present_flag: 2 }),
      status: 'ESME_RINVREPFLAG',
      parameter: 'replace_if_present_flag',
      deliver: 'ESME_ROK',
    },
    {
      body: raw('00 01 01 00 01 01 3100 00 00 00 00 00 00 00 00 00 02 61'),
      status: 'ESME_RINVMSGLEN',
      parameter: 'sm_length',
    },
    {
      body: Buffer.concat([submit({}), raw('0424 0005 6162')]),
      status: 'ESME_RINVPARLEN',
      parameter: 'message_payload',
      deliver: 'ESME_ROK',
    },
    {
      body: submit({ tlvs: [tlv.uint8('user_message_reference', 1)] }),
      status: 'ESME_RINVPARLEN',
      parameter: 'user_message_reference',
      deliver: 'ESME_ROK',
    },
  ]
  const reader = new SubmitReader()
  for (const { body, status, parameter, deliver } of rows) {
    t.equal(statusName(reader.read(body, 'submit_sm')), status, parameter)
    t.equal(reader.parameter, parameter)
    t.equal(
      statusName(reader.read(body, 'deliver_sm')),
      deliver ?? status,
      `deliver_sm ${parameter}`,
    )
  }
  t.end()
})

void t.test('a short_message and a message_payload are read, and told of', t => {
  const reader = new SubmitReader()
  const tlvs = [tlv.octets('message_payload', Buffer.from('or the other'))]
  for (const [fields, two] of [
    [{ short_message: Buffer.from('one'), tlvs }, true],
    [{ short_message: Buffer.alloc(0), tlvs }, false],
    [{ short_message: Buffer.from('one') }, false],
  ] as const) {
    t.equal(reader.read(submit(fields), 'submit_sm'), 0)
    t.equal(reader.hasTwoMessages, two)
    t.equal(reader.read(submit(fields), 'deliver_sm'), 0)
  }
  t.end()
})

void t.test('a stray NUL after the message is skipped', t => {
  const reader = new SubmitReader()
  const body = submit({ short_message: Buffer.from('hello') })
  t.equal(reader.read(Buffer.concat([body, Buffer.alloc(3)]), 'submit_sm'), 0)
  t.equal(reader.tlvs_end, body.length)
  t.end()
})

/** "hello", then `stray` octets, then a user_message_reference of 7. */
const withStray = (stray: string): { body: Buffer; clean: Buffer } => {
  const text = submit({ short_message: Buffer.from('hello') })
  const reference = octetsOf('0204 0002 0007')
  return {
    body: Buffer.concat([text, octetsOf(stray), reference]),
    clean: Buffer.concat([text, reference]),
  }
}

for (const command of ['submit_sm', 'deliver_sm'] as const) {
  void t.test(`${command}: a stray NUL between the message and the TLVs is skipped`, t => {
    const reader = new SubmitReader()
    const { body, clean } = withStray('00')
    t.equal(reader.read(body, command), 0)
    t.equal(reader.message.toString(), 'hello')
    t.equal(reader.user_message_reference, 7)
    t.same(wholeBody(reader), clean, 'and goes no further')
    const later = Buffer.concat([clean, Buffer.alloc(2)])
    t.equal(reader.read(later, command), 0)
    t.same(wholeBody(reader), clean, 'nor do octets after the last TLV')
    t.equal(reader.read(clean, command), 0)
    t.equal(wholeBody(reader), clean, 'no copy')
    t.end()
  })
}

void t.test('what is stray goes with a time that is taken out', t => {
  const reader = new SubmitReader()
  const time = '000000010000000R'
  const body = submit({ validity_period: time, short_message: Buffer.from('hello') })
  const reference = octetsOf('0204 0002 0007')
  reader.read(Buffer.concat([body, octetsOf('00'), reference]), 'submit_sm')
  t.same(bodyWithout(reader, 'validity_period'), withStray('').clean)
  t.end()
})

for (const [title, rest] of [
  ['two NULs before the TLVs', '0000 0204 0002 0007'],
  ['another octet before the TLVs', '01 0204 0002 0007'],
  ['a NUL before TLVs of which one lies', '00 0204 0002 0007 0005 0009 01'],
  ['a NUL before the TLVs and one after them', '00 0204 0002 0007 00'],
] as const) {
  void t.test(`a submit_sm with ${title} is refused`, t => {
    const body = Buffer.concat([submit({ short_message: Buffer.from('hello') }), octetsOf(rest)])
    t.equal(statusName(new SubmitReader().read(body, 'submit_sm')), 'ESME_RINVPARLEN')
    t.end()
  })
}

void t.test('a deliver_sm keeps the TLVs before the one that lies', t => {
  const reader = new SubmitReader()
  const body = submit({ tlvs: [tlv.uint8('message_state', 2)] })
  t.equal(reader.read(Buffer.concat([body, octetsOf('001e 0041 616200')]), 'deliver_sm'), 0)
  t.same(reader.tlv(TLV_TAGS.message_state), Buffer.of(2))
  t.equal(reader.tlv(TLV_TAGS.receipted_message_id), undefined)
  t.equal(reader.tlvs_end, body.length)
  t.end()
})

void t.test('no prefix of a body is read beyond its end', t => {
  const reader = new SubmitReader()
  const body = submit({
    service_type: 'CMT',
    source_addr: 'Acme',
    short_message: Buffer.from('hello'),
    tlvs: [tlv.uint16('user_message_reference', 1)],
  })
  const roomy = Buffer.concat([body, Buffer.alloc(64, 0)])
  for (let length = 0; length < body.length - 6; length++) {
    t.not(reader.read(roomy.subarray(0, length), 'submit_sm'), 0, `${length} octets`)
  }
  t.end()
})

function submit(fields: Partial<Body<'submit_sm'>>): Buffer {
  return encodeBody('submit_sm', { destination_addr: '49170', ...fields })
}

function picked(reader: SubmitReader) {
  const { source_addr, destination_addr, service_type } = reader
  const { schedule_delivery_time, validity_period } = reader
  return { source_addr, destination_addr, service_type, schedule_delivery_time, validity_period }
}
