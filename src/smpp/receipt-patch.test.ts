import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeBody, encodeBody, tlv, type Body, type Tlv } from './codec.js'
import { patchReceipt } from './receipt-patch.js'
import { rewriteReceipt } from './receipt-format.js'
import { SubmitReader } from './submit-reader.js'
import { receiptTexts } from './testing/receipt-texts.js'

const USUAL =
  'id:0a1B-2 sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:Hello'
const OURS = '00010000000000000001'

const tlvLists: fc.Arbitrary<Tlv[]> = fc.array(
  fc.constantFrom(
    tlv.cstring('receipted_message_id', 'theirs'),
    tlv.uint8('message_state', 2),
    tlv.octets('message_payload', Buffer.from('id:1 stat:DELIVRD')),
    { tag: 0x1400, value: Buffer.from('v') },
    { tag: 0x1401, value: Buffer.alloc(0) },
  ),
  { maxLength: 4 },
)

/** By the patch, and by reading and writing the whole body. */
function both(body: Buffer, tlvs: boolean): { patched: Buffer | undefined; whole: Buffer } {
  const options = { id: OURS, tlvs }
  const reader = new SubmitReader()
  const patched = reader.read(body, 'deliver_sm') === 0 ? patchReceipt(reader, options) : undefined
  const decoded = decodeBody('deliver_sm', body)
  if (!decoded.ok) throw new Error(decoded.problem.detail)
  return { patched, whole: encodeBody('deliver_sm', rewriteReceipt(decoded.body, options)) }
}

function deliver(parts: Partial<Body<'deliver_sm'>>): Buffer {
  return encodeBody('deliver_sm', {
    source_addr: '4670',
    destination_addr: '123',
    esm_class: 4,
    ...parts,
  })
}

void t.test('a receipt of the usual form is patched, to the octets of the long way', t => {
  const tlvs = [tlv.cstring('receipted_message_id', 'theirs'), tlv.uint8('message_state', 2)]
  for (const withTlvs of [true, false])
    for (const text of [USUAL, `id:1 ${'x'.repeat(249)}`, 'ID: 7', `id:${'7'.repeat(251)}`]) {
      const body = deliver({ short_message: Buffer.from(text, 'latin1'), tlvs })
      const { patched, whole } = both(body, withTlvs)
      t.same(patched, whole)
      t.same(both(Buffer.concat([body, Buffer.of(0, 0)]), withTlvs).patched, whole, 'stray octets')
    }
  t.end()
})

void t.test('whatever is patched has the octets of the long way', t => {
  let patchedOnes = 0
  fc.assert(
    fc.property(
      fc.oneof(
        receiptTexts,
        receiptTexts.map(text => `id:1 ${text}`),
      ),
      tlvLists,
      fc.boolean(),
      fc.constantFrom(0, 3, 8),
      fc.constantFrom(0, 4, 0x44),
      (text, list, tlvs, data_coding, esm_class) => {
        const short_message = Buffer.from(text, 'latin1').subarray(0, 254)
        const { patched, whole } = both(
          deliver({ short_message, data_coding, esm_class, tlvs: list }),
          tlvs,
        )
        if (patched === undefined) return
        patchedOnes++
        assert.deepEqual(patched, whole)
      },
    ),
    { numRuns: 2_000 },
  )
  t.ok(patchedOnes > 300, `${patchedOnes} were patched`)
  t.end()
})

for (const { title, parts } of [
  { title: 'without an id', parts: { short_message: Buffer.from('stat:DELIVRD') } },
  { title: 'with an empty id', parts: { short_message: Buffer.from('id: sub:001') } },
  { title: 'with its id elsewhere', parts: { short_message: Buffer.from('sub:001 id:7') } },
  { title: 'without text', parts: {} },
  {
    title: 'in UCS-2',
    parts: { short_message: Buffer.from('id:7', 'utf16le').swap16(), data_coding: 8 },
  },
  {
    title: 'with a user data header',
    parts: { short_message: Buffer.from('\x01\x00id:7'), esm_class: 0x44 },
  },
]) {
  void t.test(`a receipt ${title} goes the long way`, t => {
    t.equal(both(deliver(parts), true).patched, undefined)
    t.end()
  })
}
