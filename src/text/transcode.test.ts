import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { encodeBody, tlv } from '../smpp/codec.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { DEFAULT_ALPHABETS, encodeText } from './alphabets.js'
import { shownText } from './message-text.js'
import { transcodeBody, type Transcoding } from './transcode.js'

const reader = new SubmitReader()

function submit(message: Buffer, data_coding = 0, esm_class = 0): Buffer {
  return encodeBody('submit_sm', {
    source_addr: 'Bells',
    destination_addr: '491701234567',
    data_coding,
    esm_class,
    short_message: message,
    tlvs: [tlv.uint16('user_message_reference', 7)],
  })
}

function transcoded(body: Buffer, given: Partial<Transcoding> = {}) {
  const all = { from: 'latin1', to: 'gsm7', otherCharacters: 'ucs2', ...given } as const
  const after = transcodeBody(body, 'submit_sm', all)
  reader.read(after, 'submit_sm')
  const { data_coding, sm_length, user_message_reference } = reader
  const payload = reader.message_payload_start >= 0
  const octets = reader.message.toString('hex')
  return { same: after === body, data_coding, sm_length, payload, octets, user_message_reference }
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

for (const { title, body, given, expected } of [
  {
    title: 'Latin-1 becomes septets',
    body: submit(latin1('@ü{')),
    expected: { data_coding: 0, octets: '007e1b28', payload: false, user_message_reference: 7 },
  },
  {
    title: 'a flash message stays one',
    body: submit(latin1('@'), 0x10),
    expected: { data_coding: 0x10, octets: '00' },
  },
  {
    title: 'what has a data_coding of its own stays',
    body: submit(latin1('@'), 3),
    expected: { same: true },
  },
  { title: 'binary stays', body: submit(latin1('@'), 4), expected: { same: true } },
  {
    title: 'a character that septets lack makes it UCS-2',
    body: submit(latin1('aê')),
    expected: { data_coding: 8, octets: '006100ea' },
  },
  {
    title: 'and in the class that it had',
    body: submit(latin1('ê'), 0xf1),
    expected: { data_coding: 0x19, octets: '00ea' },
  },
  {
    title: 'or a question mark, where the setting says so',
    body: submit(latin1('aê')),
    given: { otherCharacters: 'questionMark' },
    expected: { data_coding: 0, octets: '613f' },
  },
  {
    title: 'a part of a longer text gets a question mark in any case',
    body: submit(Buffer.concat([Buffer.from('0500030a0201', 'hex'), latin1('aê')]), 0, 0x40),
    expected: { data_coding: 0, octets: '0500030a0201613f' },
  },
  {
    title: 'a user data header stays, and packed septets begin at the next boundary',
    body: submit(Buffer.concat([Buffer.from('0500030a0201', 'hex'), Buffer.of(0x41)]), 0, 0x40),
    given: { from: 'gsm7', to: 'gsm7-packed' },
    expected: { octets: '0500030a020182' },
  },
  {
    title: 'septets of language tables are only packed',
    body: submit(Buffer.from('03250101071d', 'hex'), 0, 0x40),
    given: { from: 'gsm7', to: 'latin1' },
    expected: { same: true },
  },
  {
    title: 'a header that runs over the end stays',
    body: submit(Buffer.of(9, 1), 0, 0x40),
    expected: { same: true },
  },
  {
    title: 'what becomes longer than short_message goes as message_payload',
    body: submit(latin1('{'.repeat(128))),
    expected: { payload: true, sm_length: 0, octets: '1b28'.repeat(128) },
  },
] as {
  title: string
  body: Buffer
  given?: Partial<Transcoding>
  expected: Partial<ReturnType<typeof transcoded>>
}[])
  void t.test(title, async t => {
    t.match(transcoded(body, given), expected)
  })

for (const from of DEFAULT_ALPHABETS)
  for (const to of DEFAULT_ALPHABETS)
    void t.test(`from ${from} to ${to} nothing is lost that UCS-2 can say`, async t => {
      const characters = ['a', 'Z', '5', ' ', '~', 'ü', 'ê', '[', '_'].filter(
        character => encodeText(from, character) !== undefined,
      )
      const given = { from, to, otherCharacters: 'ucs2' } as const
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 250 }), characters => {
          const text = characters.join('')
          const body = submit(encodeText(from, text)!.subarray(0, 254))
          const before = shownText(body, 'submit_sm', from)!.text
          equal(shownText(transcodeBody(body, 'submit_sm', given), 'submit_sm', to)!.text, before)
        }),
      )
      t.end()
    })

void t.test('what cannot be read stays as it is', async t => {
  const body = Buffer.from('no submit_sm')
  const given = { from: 'latin1', to: 'gsm7', otherCharacters: 'ucs2' } as const
  t.equal(transcodeBody(body, 'submit_sm', given), body)
})
