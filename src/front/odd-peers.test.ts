import t from 'tap'
import { parseMessageId } from '../journal/index.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { encodeBody, encodePdu, tlv, type Body } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { Framer } from '../smpp/framing.js'
import { FrontWorld } from './testing/front-world.js'

const octets = (spaced: string): Buffer => Buffer.from(spaced.replaceAll(' ', ''), 'hex')
const TO = '34393137303100' // "491701"

for (const [title, body, status] of [
  [
    'an sm_length that counts one octet too many',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 03 6162`,
    'ESME_RINVMSGLEN',
  ],
  [
    'an sm_length of 255 and no text',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 ff`,
    'ESME_RINVMSGLEN',
  ],
  [
    'a NUL after the text that sm_length does not count',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 02 616200`,
    'ESME_ROK',
  ],
  [
    'a NUL between the text and a TLV, that sm_length does not count',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 02 6162 00 0204 0002 0001`,
    'ESME_ROK',
  ],
  [
    'a TLV that claims more than there is',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 01 61 0204 0009 0001`,
    'ESME_RINVPARLEN',
  ],
  [
    'a user_message_reference of one octet',
    `00 0000 00 0101${TO} 000000 00 00 01 00 00 00 01 61 0204 0001 01`,
    'ESME_RINVPARLEN',
  ],
  [
    'a stray NUL after destination_addr, so that all that follows is shifted',
    `00 0000 00 0101${TO} 00 000000 00 00 01 00 00 00 05 68656c6c6f`,
    'ESME_RINVPARLEN',
  ],
  ['a service_type without its NUL', `414141414141 0000 00 0101${TO}`, 'ESME_RINVSERTYP'],
  ['a source_addr that never ends', `00 0101 ${'31'.repeat(40)}`, 'ESME_RINVSRCADR'],
  ['a destination_addr that ends with the body', '00 0000 00 0101 343931373031', 'ESME_RINVDSTADR'],
  [
    'a schedule_delivery_time of ten characters',
    `00 0000 00 0101${TO} 000000 3236303130313031303100 00 01 00 00 00 01 61`,
    'ESME_RINVSCHED',
  ],
  [
    'a validity_period without its NUL',
    `00 0000 00 0101${TO} 000000 00 ${'30'.repeat(20)}`,
    'ESME_RINVEXPIRY',
  ],
  ['nothing after destination_addr', `00 0000 00 0101${TO}`, 'ESME_RINVCMDLEN'],
  ['no body', '', 'ESME_RINVSERTYP'],
] as const) {
  void t.test(`submit_sm with ${title} gets ${status}, and the session goes on`, async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    esme.ask(COMMAND_IDS.submit_sm, octets(body)).submit()
    world.time.turn()
    t.same(esme.statuses, [status, 'ESME_ROK'])
    t.equal(esme.closedReason, undefined)
  })
}

void t.test('sequence_number 0, and those above 0x7fffffff, are echoed', async t => {
  const world = await FrontWorld.open(t)
  const [ours, theirs] = connectionPair(world.time)
  world.front.accept(ours)
  const heard: string[] = []
  const framer = new Framer(65_536)
  theirs.listen({
    data: chunk => {
      framer.push(chunk, ({ command_id, command_status, sequence_number }) => {
        heard.push(`${command_id.toString(16)} ${statusText(command_status)} ${sequence_number}`)
        return true
      })
    },
    drained: () => undefined,
    closed: () => undefined,
  })
  const bind = { system_id: 'esme1', password: 'secret1' }
  theirs.write(encodePdu('bind_transceiver', { sequence_number: 0xffffffff }, bind))
  world.time.turn()
  const submit = { destination_addr: '491701', short_message: Buffer.from('x') }
  const numbers = [0, 0x80000000, 0xffffffff, 0]
  for (const sequence_number of numbers)
    theirs.write(encodePdu('submit_sm', { sequence_number }, submit))
  world.time.turn()
  t.same(heard, [
    '80000009 ESME_ROK 4294967295',
    ...numbers.map(number => `80000004 ESME_ROK ${number}`),
  ])
})

/** Texts, and parts of longer ones, as peers write them. */
const MESSAGES: Record<string, Partial<Body<'submit_sm'>>> = {
  'every octet there is': {
    short_message: Buffer.from(Array.from({ length: 254 }, (_, i) => i)),
  },
  'seven packed septets and the @ that is left over': {
    short_message: octets('e8329bfd66dd00'),
  },
  'UCS-2 with a surrogate pair': { data_coding: 8, short_message: octets('d83dde00 00e4 4f60') },
  'a concatenation by 8-bit UDH': {
    esm_class: 0x40,
    short_message: octets('050003aa0201 68656c6c6f'),
  },
  'a concatenation by 16-bit UDH, in UCS-2': {
    esm_class: 0x40,
    data_coding: 8,
    short_message: octets('060804aabb0202 00680069'),
  },
  'a concatenation by SAR TLVs': {
    short_message: Buffer.from('part'),
    tlvs: [
      tlv.uint16('sar_msg_ref_num', 0xabcd),
      tlv.uint8('sar_total_segments', 2),
      tlv.uint8('sar_segment_seqnum', 1),
    ],
  },
  'a message_payload with a UDH': {
    esm_class: 0x40,
    tlvs: [
      tlv.octets(
        'message_payload',
        Buffer.concat([octets('050003aa0201'), Buffer.alloc(900, 0x41)]),
      ),
    ],
  },
  'a vendor’s TLV': {
    short_message: Buffer.from('v'),
    tlvs: [{ tag: 0x1403, value: Buffer.of(1, 2) }],
  },
}

for (const [title, fields] of Object.entries(MESSAGES)) {
  void t.test(`${title}: not an octet changes, either way`, async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    const submit = { source_addr: '1000', destination_addr: '491701', ...fields }
    esme.ask(COMMAND_IDS.submit_sm, encodeBody('submit_sm', submit))
    world.time.turn()
    const { ref } = parseMessageId(esme.answers[0]!.message_id)!
    t.same(world.cluster.journal.message(ref)?.body, encodeBody('submit_sm', submit))
    world.mo(
      ['replaced'],
      fields.short_message === undefined ? { short_message: Buffer.alloc(0), ...fields } : fields,
    )
    world.time.turn()
    const { short_message = Buffer.alloc(0), tlvs = [] } = fields
    t.match(esme.delivered[0], { ...fields, short_message })
    t.same(esme.delivered[0]?.tlvs, tlvs)
  })
}

for (const [title, time, stray, tlvs] of [
  ['between text and TLVs', '00', '00', '0204 0002 0001'],
  ['after the text', '00', '00', ''],
  ['after the TLVs', '00', '', '0204 0002 0001 0000'],
  ['in a message with a schedule', '30303030303030313030303030303052 00', '00', '0204 0002 0001'],
] as const) {
  void t.test(`stray octets ${title} do not go to the SMSC`, async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    const body = (schedule: string, rest: string): Buffer =>
      octets(`00 0000 00 0101${TO} 000000 ${schedule} 00 01 00 00 00 02 6162 ${rest}`)
    esme.ask(COMMAND_IDS.submit_sm, body(time, stray + tlvs))
    world.time.turn()
    const { ref } = parseMessageId(esme.answers[0]!.message_id)!
    t.same(world.cluster.journal.message(ref)?.body, body('00', tlvs.slice(0, 14)))
  })
}

void t.test('a receipt goes to another session where the one of its message is gone', async t => {
  const world = await FrontWorld.open(t)
  const [one, two] = [world.bound(), world.bound()]
  two.submit()
  world.time.turn()
  const refs = world.dispatch()
  two.link.close('gone')
  world.time.turn()
  world.receipts(refs)
  world.time.turn()
  t.equal(one.delivered.length, 1)
  t.equal(two.delivered.length, 0)
  t.equal(world.account.owed, 0)
})
