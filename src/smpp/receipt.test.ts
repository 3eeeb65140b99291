import fc from 'fast-check'
import t from 'tap'
import { isFinal, NPI, TON } from './constants.js'
import { decodeBody, encodeBody, findTlv, tlv, tlvString, type Tlv } from './codec.js'
import { encodeReceipt, formatReceipt, rewriteReceipt } from './receipt-format.js'
import { isReceipt, parseReceipt, receiptText, stateOf } from './receipt.js'
import { normalizeSmscId, writeSmscId } from './smsc-id.js'

const TEXT =
  'id:0a1B-2 sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:Hello id:7'
const ucs2 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

void t.test('the text of the standard is read', t => {
  t.same(parse(TEXT), {
    id: '0a1B-2',
    receipted_message_id: undefined,
    state: 'DELIVERED',
    stat: 'DELIVRD',
    err: '000',
    network_error_code: undefined,
    sub: 1,
    dlvrd: 1,
    submitDateMs: Date.UTC(2026, 0, 2, 3, 4),
    doneDateMs: Date.UTC(2026, 0, 2, 3, 5),
    text: 'Hello id:7',
  })
  t.end()
})

for (const { title, text, expected } of [
  { title: 'err of four digits', text: 'id:1 stat:UNDELIV err:0000', expected: { err: '0000' } },
  {
    title: 'no sub, no dlvrd, no text',
    text: 'id:1 submit date:2601020304 stat:EXPIRED',
    expected: { sub: undefined, dlvrd: undefined, text: undefined, state: 'EXPIRED' },
  },
  {
    title: 'dates with seconds',
    text: 'id:1 submit date:260102030405 done date:260102030406 stat:DELIVRD',
    expected: { doneDateMs: Date.UTC(2026, 0, 2, 3, 4, 6) },
  },
  { title: 'stat in lower case', text: 'id:1 stat:rejectd', expected: { state: 'REJECTED' } },
  { title: 'a long stat', text: 'id:1 stat:DELIVERED', expected: { state: 'DELIVERED' } },
  {
    title: 'an unknown stat',
    text: 'id:1 stat:WHATEVER err:1',
    expected: { state: undefined, stat: 'WHATEVER' },
  },
  {
    title: 'extra keys',
    text: 'id:1 sub:001 vendor:x y:z dlvrd:000 stat:DELIVRD err:5 mccmnc:26201 text:',
    expected: { dlvrd: 0, err: '5', text: '' },
  },
  {
    title: 'keys in capitals',
    text: 'ID:abc STAT:DELIVRD Text:x',
    expected: { id: 'abc', text: 'x' },
  },
  {
    title: 'blanks after colons',
    text: 'id: 9 stat: DELIVRD',
    expected: { id: '9', state: 'DELIVERED' },
  },
  { title: 'an empty id', text: 'id: sub:001 stat:DELIVRD', expected: { id: undefined, sub: 1 } },
  {
    title: 'keys written together',
    text: 'id:1 submit_date:2601020304 donedate:2601020304 stat:DELIVRD',
    expected: { doneDateMs: Date.UTC(2026, 0, 2, 3, 4) },
  },
  {
    title: 'impossible dates',
    text: 'id:1 done date:0000000000 stat:DELIVRD',
    expected: { doneDateMs: undefined },
  },
  { title: 'a trailing NUL', text: 'id:1 stat:DELIVRD\0', expected: { state: 'DELIVERED' } },
]) {
  void t.test(`a receipt with ${title} is read`, t => {
    t.match(parse(text), expected)
    t.match(parse(ucs2(text), { data_coding: 8 }), expected, 'in UCS-2')
    t.match(parse(text, { data_coding: 8 }), expected, 'only claiming to be UCS-2')
    const payload = [tlv.octets('message_payload', Buffer.from(text))]
    t.match(parse('', { tlvs: payload }), expected, 'in message_payload')
    t.end()
  })
}

void t.test('TLVs alone make a receipt, and go before the text', t => {
  const tlvs = [
    tlv.cstring('receipted_message_id', 'X1'),
    tlv.uint8('message_state', 5),
    tlv.octets('network_error_code', Buffer.of(3, 1, 2)),
  ]
  t.match(parse('', { tlvs }), {
    id: undefined,
    receipted_message_id: 'X1',
    state: 'UNDELIVERABLE',
    network_error_code: { network: 3, code: 258 },
  })
  t.match(parse('id:other stat:DELIVRD', { tlvs }), {
    id: 'other',
    receipted_message_id: 'X1',
    state: 'UNDELIVERABLE',
  })
  t.match(parse('id:1 stat:DELIVRD', { tlvs: [tlv.uint8('message_state', 77)] }), {
    state: 'DELIVERED',
  })
  t.equal(parse('What a nice day'), undefined)
  t.equal(parse(''), undefined)
  t.end()
})

void t.test('a user data header is no text', t => {
  const octets = Buffer.concat([Buffer.of(5, 0, 3, 1, 1, 1), Buffer.from('id:1 stat:DELIVRD')])
  t.match(parse(octets, { esm_class: 0x44 }), { id: '1', state: 'DELIVERED' })
  t.equal(parse(Buffer.of(200, 1), { esm_class: 0x44 }), undefined)
  t.end()
})

void t.test('no octets make it throw, and it ends soon', t => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(0, 8),
      fc.boolean(),
      (octets, data_coding, udhi) => {
        parse(Buffer.from(octets), { data_coding, esm_class: udhi ? 0x44 : 4 })
      },
    ),
  )
  parse('id:'.repeat(20_000))
  parse(' '.repeat(60_000))
  t.end()
})

void t.test('which deliver_sm is a receipt', t => {
  for (const esm_class of [0x04, 0x44, 0x07, 0x20, 0x84]) t.ok(isReceipt(esm_class))
  for (const esm_class of [0x00, 0x08, 0x10, 0x40, 0x18]) t.notOk(isReceipt(esm_class))
  t.equal(stateOf('undeliv'), 'UNDELIVERABLE')
  t.ok(isFinal('EXPIRED'))
  t.notOk(isFinal('ENROUTE'))
  t.end()
})

void t.test('our own receipt', t => {
  const content = {
    id: '00010000000000000001',
    state: 'UNDELIVERABLE',
    submitDateMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    doneDateMs: Date.UTC(2026, 0, 2, 3, 6, 5),
    err: '12',
    text: 'Hello, this is more than twenty',
  } as const
  const text =
    'id:00010000000000000001 sub:001 dlvrd:000 submit date:2601020304 done date:2601020306 ' +
    'stat:UNDELIV err:012 text:Hello, this is more '
  t.equal(formatReceipt(content), text)
  const from = { ton: TON.international, npi: NPI.isdn, addr: '49170' }
  const to = { ton: TON.alphanumeric, npi: NPI.unknown, addr: 'Acme' }
  const body = encodeReceipt({
    ...content,
    from,
    to,
    tlvs: true,
    network_error_code: { network: 3, code: 300 },
  })
  const decoded = decodeBody('deliver_sm', body)
  t.ok(decoded.ok)
  if (decoded.ok) {
    t.match(decoded.body, {
      source_addr: '49170',
      dest_addr_ton: 5,
      destination_addr: 'Acme',
      esm_class: 4,
      short_message: Buffer.from(text),
    })
    t.match(parseReceipt(decoded.body), {
      receipted_message_id: content.id,
      state: 'UNDELIVERABLE',
      network_error_code: { network: 3, code: 300 },
    })
  }
  const old = decodeBody('deliver_sm', encodeReceipt({ ...content, from, to, tlvs: false }))
  t.match(old, { ok: true, body: { tlvs: { length: 0 } } })
  t.end()
})

void t.test('an SMSC’s receipt gets our id, and keeps all else', t => {
  const vendor: Tlv = { tag: 0x1400, value: Buffer.from('v') }
  for (const { text, expected, data_coding = 0 } of [
    { text: TEXT, expected: TEXT.replace('0a1B-2', 'OURS') },
    { text: 'id: 7 stat:DELIVRD', expected: 'id:OURS stat:DELIVRD' },
    { text: 'id: sub:001 stat:DELIVRD', expected: 'id:OURS sub:001 stat:DELIVRD' },
    { text: 'stat:DELIVRD text:id:7', expected: 'id:OURS stat:DELIVRD text:id:7' },
    { text: 'sub:001 ID:7\0', expected: 'sub:001 id:OURS' },
    { text: TEXT, expected: TEXT.replace('0a1B-2', 'OURS'), data_coding: 8 },
    { text: '', expected: '' },
  ]) {
    const short_message = data_coding === 8 ? ucs2(text) : Buffer.from(text, 'latin1')
    const body = deliver({
      data_coding,
      short_message,
      tlvs: [vendor, tlv.cstring('receipted_message_id', 'theirs'), tlv.uint8('message_state', 2)],
    })
    const rewritten = rewriteReceipt(body, { id: 'OURS', tlvs: true })
    t.equal(receiptText(rewritten), expected)
    t.equal(tlvString(findTlv(rewritten.tlvs, 'receipted_message_id')!), 'OURS')
    t.same(
      rewritten.tlvs.filter(one => one.tag === 0x1400),
      [vendor],
    )
    t.same(rewriteReceipt(body, { id: 'OURS', tlvs: false }).tlvs, [])
    t.ok(decodeBody('deliver_sm', encodeBody('deliver_sm', rewritten)).ok)
  }
  t.end()
})

void t.test(
  'a receipt in message_payload stays there, or moves where the peer knows no TLVs',
  t => {
    const body = deliver({ tlvs: [tlv.octets('message_payload', Buffer.from(TEXT))] })
    const kept = rewriteReceipt(body, { id: 'OURS', tlvs: true })
    t.equal(kept.short_message.length, 0)
    t.match(receiptText(kept), /^id:OURS sub/)
    t.match(
      rewriteReceipt(body, { id: 'OURS', tlvs: false }).short_message.toString(),
      /^id:OURS sub/,
    )
    t.end()
  },
)

void t.test('a longer id never makes a message too long', t => {
  for (const data_coding of [0, 8]) {
    const text = `id:1 stat:DELIVRD text:${'x'.repeat(data_coding === 8 ? 103 : 231)}`
    const short_message = data_coding === 8 ? ucs2(text) : Buffer.from(text)
    const body = rewriteReceipt(deliver({ data_coding, short_message }), {
      id: '9'.repeat(20),
      tlvs: true,
    })
    t.equal(body.short_message.length, 254)
    t.match(parseReceipt(body), { id: '9'.repeat(20), state: 'DELIVERED' })
  }
  t.end()
})

for (const { id, format, expected } of [
  { id: '0000A1b2', format: 'hex', expected: '41394' },
  { id: '0xA1B2', format: 'hex', expected: '41394' },
  { id: 'a1-b2', format: 'hex', expected: '41394' },
  { id: '00041394', format: 'dec', expected: '41394' },
  { id: '0', format: 'dec', expected: '0' },
  { id: 'f'.repeat(32), format: 'hex', expected: (2n ** 128n - 1n).toString() },
  { id: 'not a number', format: 'dec', expected: 'not a number' },
  { id: 'xyz', format: 'hex', expected: 'xyz' },
  { id: '', format: 'hex', expected: '' },
  { id: '-', format: 'dec', expected: '-' },
  { id: ' 00A-b ', format: 'text', expected: '00A-b' },
] as const) {
  void t.test(`the SMSC id "${id}" as ${format} is ${expected}`, t => {
    t.equal(normalizeSmscId(id, format), expected)
    t.end()
  })
}

void t.test(
  'an id is written in hex again where the SMSC writes hex, and compared as before',
  async t => {
    for (const [id, format, written] of [
      ['41394', 'hex', 'a1b2'],
      ['41394', 'dec', '41394'],
      ['0012', 'text', '0012'],
      ['xyz', 'hex', 'xyz'],
      [(2n ** 128n - 1n).toString(), 'hex', 'f'.repeat(32)],
    ] as const) {
      t.equal(writeSmscId(id, format), written)
      t.equal(normalizeSmscId(written, format), id)
    }
  },
)

function deliver(fields: Parameters<typeof encodeBody<'deliver_sm'>>[1]) {
  const decoded = decodeBody('deliver_sm', encodeBody('deliver_sm', { esm_class: 4, ...fields }))
  if (!decoded.ok) throw new Error(decoded.problem.detail)
  return decoded.body
}

function parse(
  text: string | Buffer,
  source: { data_coding?: number; esm_class?: number; tlvs?: Tlv[] } = {},
) {
  const short_message = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return parseReceipt({ esm_class: 4, data_coding: 0, tlvs: [], short_message, ...source })
}
