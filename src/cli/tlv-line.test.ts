import t from 'tap'
import type { VendorTlv } from '../policy/settings.js'
import { tlv, type Tlv } from '../smpp/codec.js'
import { tlvWords } from './tlv-line.js'

const REGISTRY: VendorTlv[] = [
  { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 21 },
  { name: 'cost', tag: 0x1402, type: 'uint32', min: 4, max: 4 },
  { name: 'hop', tag: 0x1403, type: 'octets', min: 0, max: 40 },
]

const vendor = (tag: number, hex: string): Tlv => ({ tag, value: Buffer.from(hex, 'hex') })

for (const { given, said } of [
  { given: tlv.uint16('source_port', 16_000), said: 'source_port=16000' },
  { given: tlv.uint8('message_state', 2), said: 'message_state=DELIVERED' },
  { given: tlv.uint8('message_state', 77), said: 'message_state=77' },
  { given: tlv.cstring('receipted_message_id', 'a1'), said: 'receipted_message_id=a1' },
  {
    given: tlv.octets('network_error_code', Buffer.of(3, 0, 45)),
    said: 'network_error_code=03002d',
  },
  { given: vendor(0x0424, '616263'), said: undefined }, // message_payload, which is the text
  { given: vendor(0x1401, '737072696e6700'), said: 'campaign=spring' },
  { given: vendor(0x1401, '611b5b324a20620a00'), said: 'campaign=a.[2J.b.' }, // moves no cursor
  { given: vendor(0x1402, '00000019'), said: 'cost=25' },
  { given: vendor(0x1402, '000019'), said: 'cost=000019' }, // not of its length
  { given: vendor(0x1403, ''), said: 'hop=' },
  { given: vendor(0x1403, 'ab'.repeat(17)), said: `hop=${'ab'.repeat(16)}…[17]` },
  { given: vendor(0x1404, '0a'), said: '0x1404=0a' },
])
  void t.test(`TLV 0x${given.tag.toString(16)} is shown as ${said}`, async t => {
    t.same(tlvWords([given], REGISTRY, true), said === undefined ? [] : [said])
  })

void t.test('where texts are masked, of what may hold them only the length is shown', async t => {
  const given = [vendor(0x1401, '2a2a2a'), vendor(0x1404, '2a'), tlv.uint8('message_state', 1)]
  t.same(tlvWords(given, REGISTRY, false), ['campaign=[3]', '0x1404=[1]', 'message_state=ENROUTE'])
  const info = tlv.cstring('additional_status_info_text', '**')
  t.same(tlvWords([info], REGISTRY, false), ['additional_status_info_text=[3]'])
})

void t.test('a line has twenty TLVs at most, and says how many are left out', async t => {
  const many = Array.from({ length: 25 }, () => tlv.uint8('message_state', 1))
  const said = tlvWords(many, REGISTRY, true)
  t.equal(said.length, 21)
  t.equal(said.at(-1), 'and 5 TLVs')
})
