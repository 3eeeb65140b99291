import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Body } from '../smpp/codec.js'
import { decodeBody, encodeBody, findTlv, tlv } from '../smpp/codec.js'
import { encodeText, type DefaultAlphabet } from './alphabets.js'
import { joinParts, partOf } from './join.js'
import { shownText } from './message-text.js'
import { packSeptets } from './septets.js'
import { splitBody } from './split.js'

const UDHI = 0x40

const deliver = (over: Partial<Body<'deliver_sm'>>): Buffer =>
  encodeBody('deliver_sm', { source_addr: '4917000', destination_addr: '1234', ...over })

/** Part `part` of two, after a header with these elements. */
const withHeader = (elements: string, text: string | Buffer, over = {}): Buffer => {
  const header = Buffer.from(elements, 'hex')
  const user = [Buffer.of(header.length), header, Buffer.from(text)]
  return deliver({ esm_class: UDHI, short_message: Buffer.concat(user), ...over })
}

const decoded = (body: Buffer | undefined): Body<'deliver_sm'> => {
  const read = decodeBody('deliver_sm', body!)
  if (!read.ok) throw new Error(read.problem.parameter)
  return read.body
}

for (const alphabet of ['gsm7', 'gsm7-packed', 'latin1', 'ucs2'] as const)
  for (const how of ['udh8', 'udh16', 'sar'] as const)
    void t.test(`parts of ${alphabet} by ${how}, joined, say what the whole said`, async () => {
      const characters = fc.constantFrom(
        ...{
          gsm7: ['a', '€', '[', '@', 'ß'],
          'gsm7-packed': ['a', '€', '[', 'b', 'ß'],
          latin1: ['a', 'ü', '[', '~'],
          ucs2: ['a', 'Ж', '🔔'],
        }[alphabet],
      )
      const ofZero: DefaultAlphabet = alphabet === 'ucs2' ? 'gsm7' : alphabet
      const data_coding = alphabet === 'ucs2' ? 8 : 0
      fc.assert(
        fc.property(fc.array(characters, { minLength: 1, maxLength: 800 }), given => {
          const text = given.join('')
          const payload = tlv.octets('message_payload', encodeText(alphabet, text)!)
          const parts = splitBody(deliver({ data_coding, tlvs: [payload] }), how, ofZero, 0x1234)
          if (parts.length === 1) return equal(partOf(parts[0]!), undefined)
          const said = parts.map(part => partOf(part)!)
          equal(new Set(said.map(({ key }) => key)).size, 1)
          deepStrictEqual(
            said.map(({ part, total }) => `${part}/${total}`),
            parts.map((_, i) => `${i + 1}/${parts.length}`),
          )
          const joined = joinParts(parts, ofZero)!
          equal(shownText(joined, 'deliver_sm', ofZero)!.text, text)
          const { esm_class, short_message, tlvs } = decoded(joined)
          equal(esm_class, 0)
          const long = findTlv(tlvs, 'message_payload')
          equal(tlvs.length, long === undefined ? 0 : 1, 'no sar TLVs')
          ok(long === undefined ? short_message.length <= 254 : long.length > 254)
        }),
        { numRuns: 40 },
      )
    })

void t.test('a surrogate pair and an escape that were cut in two are whole again', async t => {
  const bell = encodeText('ucs2', '🔔')!
  const ucs2 = [bell.subarray(0, 2), bell.subarray(2)].map((half, i) =>
    withHeader(`000307020${i + 1}`, half, { data_coding: 8 }),
  )
  t.equal(shownText(joinParts(ucs2, 'gsm7')!, 'deliver_sm', 'gsm7')!.text, '🔔')
  const gsm7 = ['a\x1b', 'eb'].map((half, i) => withHeader(`000307020${i + 1}`, half))
  t.equal(shownText(joinParts(gsm7, 'gsm7')!, 'deliver_sm', 'gsm7')!.text, 'a€b')
  const packed = ['a\x1b', 'eb'].map((half, i) =>
    withHeader(`000307020${i + 1}`, packSeptets(Buffer.from(half), 6)),
  )
  const joined = joinParts(packed, 'gsm7-packed')!
  t.equal(shownText(joined, 'deliver_sm', 'gsm7-packed')!.text, 'a€b')
})

void t.test('other elements of the header stay, and packed septets begin behind them', async t => {
  const ports = '05040b8423f0'
  const parts = ['Gr\x1eße ', 'aus'].map((text, i) =>
    withHeader(`000307020${i + 1}${ports}`, packSeptets(Buffer.from(text, 'latin1'), 12)),
  )
  t.equal(new Set(parts.map(part => partOf(part)!.key)).size, 1)
  const { esm_class, short_message } = decoded(joinParts(parts, 'gsm7-packed'))
  t.equal(esm_class, UDHI)
  t.equal(short_message.toString('hex', 0, 7), `06${ports}`)
  t.equal(
    shownText(joinParts(parts, 'gsm7-packed')!, 'deliver_sm', 'gsm7-packed')!.text,
    shownText(
      deliver({ short_message: packSeptets(Buffer.from('Gr\x1eße aus', 'latin1')) }),
      'deliver_sm',
      'gsm7-packed',
    )!.text,
  )
})

void t.test(
  '254 octets go in short_message, 255 as message_payload; other TLVs are the first part’s',
  async t => {
    for (const { last, payload } of [
      { last: 254 - 150, payload: false },
      { last: 255 - 150, payload: true },
    ]) {
      const sar = (part: number) => [
        tlv.uint16('sar_msg_ref_num', 7),
        tlv.uint8('sar_total_segments', 2),
        tlv.uint8('sar_segment_seqnum', part),
        tlv.uint16('user_message_reference', part),
      ]
      const parts = [150, last].map((length, i) =>
        deliver({ short_message: Buffer.alloc(length, 0x61), tlvs: sar(i + 1) }),
      )
      const { short_message, tlvs } = decoded(joinParts(parts, 'gsm7'))
      t.equal(short_message.length, payload ? 0 : 254)
      t.equal(findTlv(tlvs, 'message_payload')?.length, payload ? 255 : undefined)
      t.equal(findTlv(tlvs, 'user_message_reference')?.readUInt16BE(0), 1)
    }
  },
)

const first = withHeader('0003070201', 'text')
for (const [title, other] of Object.entries({
  'another sender': withHeader('0003070202', 'text', { source_addr: '4917001' }),
  'another destination': withHeader('0003070202', 'text', { destination_addr: '1235' }),
  'another kind of number': withHeader('0003070202', 'text', { source_addr_ton: 1 }),
  'another reference': withHeader('0003080202', 'text'),
  'a reference of 16 bits': withHeader('080400070202', 'text'),
  'sar TLVs': deliver({
    tlvs: [
      tlv.uint16('sar_msg_ref_num', 7),
      tlv.uint8('sar_total_segments', 2),
      tlv.uint8('sar_segment_seqnum', 2),
    ],
  }),
  'more parts': withHeader('0003070302', 'text'),
  'another alphabet': withHeader('0003070202', 'text', { data_coding: 8 }),
  'other elements in the header': withHeader('000307020205040b8423f0', 'text'),
  'another class of message': withHeader('0003070202', 'text', { protocol_id: 0x41 }),
}))
  void t.test(`what has ${title} belongs to another message`, async t => {
    t.not(partOf(other)!.key, partOf(first)!.key)
  })

for (const [title, body] of Object.entries({
  'one part of one': withHeader('0003070101', 'text'),
  'part 0': withHeader('0003070200', 'text'),
  'part 3 of 2': withHeader('0003070203', 'text'),
  'a header beyond the end': deliver({ esm_class: UDHI, short_message: Buffer.from([9, 0]) }),
  'a header without concatenation': withHeader('05040b8423f0', 'text'),
  'an acknowledgement of a mobile': withHeader('0003070201', 'text', { esm_class: UDHI | 0x08 }),
  'a compressed text': withHeader('0003070201', 'text', { data_coding: 0x20 }),
  'a reserved data_coding': withHeader('0003070201', 'text', { data_coding: 0x0b }),
  'more than a short message': deliver({
    esm_class: UDHI,
    tlvs: [
      tlv.octets(
        'message_payload',
        Buffer.concat([Buffer.from('050003070201', 'hex'), Buffer.alloc(250)]),
      ),
    ],
  }),
  'a short message with long TLVs': withHeader('0003070201', 'text', {
    tlvs: [{ tag: 0x1400, value: Buffer.alloc(1000) }],
  }),
}))
  void t.test(`${title} waits for no other part`, async t => t.equal(partOf(body), undefined))

void t.test('the same part again has the same digest, another text another', async t => {
  const of = (text: string, more = {}) => partOf(withHeader('0003070201', text, more))!.digest
  t.equal(of('text'), of('text', { tlvs: [tlv.uint16('user_message_reference', 3)] }))
  t.not(of('text'), of('texts'))
})
