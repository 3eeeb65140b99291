import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { encodeBody, tlv } from '../smpp/codec.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import { encodeText, type DefaultAlphabet } from './alphabets.js'
import { shownText, textPlace } from './message-text.js'
import { segmentsOf, splitBody, type Concatenating } from './split.js'

const reader = new SubmitReader()

function submit(message: Buffer, data_coding = 0, esm_class = 0): Buffer {
  return encodeBody('submit_sm', {
    source_addr: 'Bells',
    destination_addr: '491701234567',
    data_coding,
    esm_class,
    tlvs: [tlv.octets('message_payload', message), tlv.uint16('user_message_reference', 7)],
  })
}

const text = (
  text: string,
  alphabet: 'gsm7' | 'gsm7-packed' | 'latin1' | 'ucs2' = 'gsm7',
): Buffer => submit(encodeText(alphabet, text)!, alphabet === 'ucs2' ? 8 : 0)

/** How many parts, and characters of each. */
function lengths(body: Buffer, how: Concatenating, ofZero: DefaultAlphabet = 'gsm7'): number[] {
  return splitBody(body, how, ofZero, 0x1234).map(
    part => shownText(part, 'submit_sm', ofZero)!.text!.length,
  )
}

for (const { title, body, how, ofZero, parts } of [
  { title: '160 septets', body: text('a'.repeat(160)), how: 'udh8', parts: [160] },
  { title: '161 septets', body: text('a'.repeat(161)), how: 'udh8', parts: [153, 8] },
  { title: '161 septets', body: text('a'.repeat(161)), how: 'udh16', parts: [152, 9] },
  { title: '161 septets', body: text('a'.repeat(161)), how: 'sar', parts: [152, 9] },
  { title: '306 septets', body: text('a'.repeat(306)), how: 'udh8', parts: [153, 153] },
  { title: '307 septets', body: text('a'.repeat(307)), how: 'udh8', parts: [153, 153, 1] },
  { title: '80 times €', body: text('€'.repeat(80)), how: 'udh8', parts: [80] },
  { title: '81 times €', body: text('€'.repeat(81)), how: 'udh8', parts: [76, 5] },
  { title: '70 times UCS-2', body: text('Ж'.repeat(70), 'ucs2'), how: 'udh8', parts: [70] },
  { title: '71 times UCS-2', body: text('Ж'.repeat(71), 'ucs2'), how: 'udh8', parts: [67, 4] },
  { title: '71 times UCS-2', body: text('Ж'.repeat(71), 'ucs2'), how: 'udh16', parts: [66, 5] },
  // 66 characters and half of a pair would be 67
  { title: 'pairs', body: text('🔔'.repeat(36), 'ucs2'), how: 'udh8', parts: [66, 6] },
  {
    title: '161 of Latin-1 that mobiles have',
    body: text('ü'.repeat(161), 'latin1'),
    how: 'udh8',
    ofZero: 'latin1',
    parts: [153, 8],
  },
  {
    title: '71 of Latin-1 that mobiles have only in UCS-2',
    body: text('ê'.repeat(71), 'latin1'),
    how: 'udh8',
    ofZero: 'latin1',
    parts: [67, 4],
  },
  {
    title: '161 packed septets',
    body: text('a'.repeat(161), 'gsm7-packed'),
    how: 'udh8',
    ofZero: 'gsm7-packed',
    parts: [153, 8],
  },
] as const satisfies {
  title: string
  body: Buffer
  how: Concatenating
  ofZero?: DefaultAlphabet
  parts: number[]
}[])
  void t.test(`${title} by ${how} are ${parts.join(' + ')} characters`, async t => {
    t.same(lengths(body, how, ofZero), parts)
  })

const CHARACTERS = {
  gsm7: ['a', '€', '[', '@', 'ß'],
  'gsm7-packed': ['a', '€', '[', 'b', 'ß'],
  latin1: ['a', 'ü', '[', '~'],
  ucs2: ['a', 'Ж', '🔔'],
} as const

for (const alphabet of ['gsm7', 'gsm7-packed', 'latin1', 'ucs2'] as const)
  for (const how of ['udh8', 'udh16', 'sar'] as const)
    void t.test(`parts of ${alphabet} by ${how} say together what the whole said`, async t => {
      const characters = fc.constantFrom(...CHARACTERS[alphabet])
      const ofZero = alphabet === 'ucs2' ? 'gsm7' : alphabet
      fc.assert(
        fc.property(
          fc.array(characters, { minLength: 1, maxLength: 800 }),
          fc.nat(0xffff),
          (given, reference) => {
            const whole = given.join('')
            const parts = splitBody(text(whole, alphabet), how, ofZero, reference)
            const texts = parts.map((part, i) => {
              equal(reader.read(part, 'submit_sm'), 0)
              const place = textPlace(reader, ofZero)!
              equal(reader.message_payload_start, -1)
              equal(reader.user_message_reference, 7)
              equal(reader.destination_addr, '491701234567')
              const { header, octets, concatenation } = place
              const onAir =
                (header?.octets ?? (parts.length > 1 ? 7 : 0)) + airOctets(octets, alphabet)
              ok(onAir <= 140, `${onAir} octets`)
              if (parts.length > 1) {
                const masked = how === 'udh8' ? reference & 0xff : reference
                deepStrictEqual(concatenation, {
                  reference: masked,
                  total: parts.length,
                  part: i + 1,
                  ...(how === 'sar' ? {} : { bits: how === 'udh8' ? 8 : 16 }),
                })
                equal(reader.tlv(TLV_TAGS.sar_msg_ref_num) !== undefined, how === 'sar')
              }
              return shownText(part, 'submit_sm', ofZero)!.text
            })
            equal(texts.join(''), whole)
          },
        ),
        { numRuns: 40 },
      )
      t.end()
    })

/** A bound from below of what the text takes up: septets are packed there. */
function airOctets(octets: Buffer, alphabet: string): number {
  return alphabet === 'gsm7' || alphabet === 'latin1'
    ? Math.floor((7 * octets.length) / 8)
    : octets.length
}

void t.test('binary is cut at any octet', async t => {
  const octets = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0xff))
  const parts = splitBody(submit(octets, 4), 'udh8', 'gsm7', 1)
  const texts = parts.map(part => {
    reader.read(part, 'submit_sm')
    return Buffer.from(textPlace(reader, 'gsm7')!.octets)
  })
  t.same(
    texts.map(({ length }) => length),
    [134, 134, 32],
  )
  t.same(Buffer.concat(texts), octets)
})

void t.test('a user data header is kept in each part, and counts', async t => {
  const header = Buffer.from('0605040b8423f0', 'hex') // WAP push ports
  const body = submit(Buffer.concat([header, Buffer.alloc(200, 0x61)]), 4, 0x40)
  const parts = splitBody(body, 'udh8', 'gsm7', 1)
  t.equal(parts.length, 2)
  for (const part of parts) {
    reader.read(part, 'submit_sm')
    const { header: own } = textPlace(reader, 'gsm7')!
    t.equal(own!.octets, 12)
    t.same(reader.message.subarray(6, 12), header.subarray(1))
    t.ok(reader.message.length <= 140)
  }
})

for (const { alphabet, octets } of [
  { alphabet: 'gsm7', octets: 140 },
  { alphabet: 'gsm7', octets: 160 },
  { alphabet: 'latin1', octets: 70 },
  { alphabet: 'latin1', octets: 160 },
] as const)
  void t.test(`${octets} octets of ${alphabet} in short_message stay there`, async t => {
    const body = encodeBody('submit_sm', {
      destination_addr: '1',
      short_message: Buffer.alloc(octets, 0x61),
    })
    t.same(splitBody(body, 'udh8', alphabet, 1), [body])
  })

void t.test('71 octets of Latin-1 in short_message may be too many', async t => {
  const body = encodeBody('submit_sm', {
    destination_addr: '1',
    short_message: Buffer.from('ê'.repeat(71), 'latin1'),
  })
  t.equal(splitBody(body, 'udh8', 'latin1', 1).length, 2)
})

for (const { title, body } of [
  {
    title: 'a part',
    body: submit(
      Buffer.concat([Buffer.from('0500030a0201', 'hex'), Buffer.alloc(300, 0x61)]),
      0,
      0x40,
    ),
  },
  { title: 'what is compressed', body: submit(Buffer.alloc(300), 0x20) },
  { title: 'ISO-2022-JP', body: submit(Buffer.alloc(300, 0x61), 10) },
  { title: 'a header that runs over the end', body: submit(Buffer.of(9, 1, 2), 0, 0x40) },
  { title: 'what needs more than 255 parts', body: text('a'.repeat(255 * 153 + 1)) },
  { title: 'what is no submit_sm', body: Buffer.from('no submit_sm') },
])
  void t.test(`${title} stays as it is`, async t => {
    const parts = splitBody(body, 'udh8', 'gsm7', 1)
    t.equal(parts.length, 1)
    t.equal(parts[0], body)
  })

for (const { title, body, ofZero, count } of [
  { title: '160 septets', body: text('a'.repeat(160)), count: 1 },
  { title: '161 septets', body: text('a'.repeat(161)), count: 2 },
  { title: '307 septets', body: text('a'.repeat(307)), count: 3 },
  { title: '81 times €, which takes two', body: text('€'.repeat(81)), count: 2 },
  { title: '71 characters of UCS-2', body: text('Ж'.repeat(71), 'ucs2'), count: 2 },
  { title: 'nothing', body: submit(Buffer.alloc(0)), count: 1 },
  {
    title: 'a part by its header, full',
    body: submit(Buffer.from(`050003070201${'61'.repeat(153)}`, 'hex'), 0, 0x40),
    count: 1,
  },
  {
    title: 'a part that says so, and is longer',
    body: submit(Buffer.from(`050003070201${'61'.repeat(154)}`, 'hex'), 0, 0x40),
    count: 2,
  },
  { title: '140 octets of binary', body: submit(Buffer.alloc(140), 4), count: 1 },
  { title: '269 octets of binary', body: submit(Buffer.alloc(269), 4), count: 3 },
  { title: '269 octets of nobody knows what', body: submit(Buffer.alloc(269), 0x0f), count: 3 },
  {
    title: 'a header that runs over the end',
    body: submit(Buffer.alloc(269, 0xff), 0, 0x40),
    count: 3,
  },
  {
    title: '161 of Latin-1 that mobiles have',
    body: text('ü'.repeat(161), 'latin1'),
    ofZero: 'latin1',
    count: 2,
  },
] as { title: string; body: Buffer; ofZero?: DefaultAlphabet; count: number }[])
  void t.test(`${title}: ${count} short messages`, async t => {
    t.equal(segmentsOf(body, ofZero ?? 'gsm7'), count)
  })
