import t from 'tap'
import { encodeBody, tlv, type Body, type Tlv } from '../smpp/codec.js'
import { connector, gateway } from '../testing/gateway.js'
import type { Connector } from '../policy/settings.js'
import { askingForReceipts, outgoingBody as bodyOut, withWhatIsLeft } from './outgoing.js'

const SETTINGS = gateway({
  tlvs: [{ name: 'campaign', tag: 0x1400, type: 'uint8', min: 1, max: 1 }],
})
const outgoingBody = (body: Buffer, to: Connector): Buffer => bodyOut(body, to, SETTINGS)

const STRIP = connector('a', { validityPeriod: 'strip' })
const FIELDS = {
  service_type: 'CMT',
  source_addr: '1234',
  destination_addr: '49170',
  registered_delivery: 1,
  short_message: Buffer.from('hello'),
  tlvs: [tlv.octets('callback_num', Buffer.from('more')), { tag: 0x1400, value: Buffer.of(7) }],
} satisfies Partial<Body<'submit_sm'>>

void t.test('nothing else of a message is touched, TLVs of vendors neither', async t => {
  for (const validity_period of ['000001000000000R', '261231235959000+'])
    t.same(
      outgoingBody(encodeBody('submit_sm', { ...FIELDS, validity_period }), STRIP),
      encodeBody('submit_sm', FIELDS),
    )
})

void t.test('nothing is copied where there is nothing to strip, or none is asked for', async t => {
  const bare = encodeBody('submit_sm', FIELDS)
  t.equal(outgoingBody(bare, STRIP), bare)
  const given = encodeBody('submit_sm', { ...FIELDS, validity_period: '000001000000000R' })
  t.equal(outgoingBody(given, connector('a')), given)
  const cut = given.subarray(0, 20)
  t.equal(outgoingBody(cut, STRIP), cut, 'what cannot be read goes out as it is')
})

for (const { given, asked } of [
  { given: 0x00, asked: 0x00 },
  { given: 0x01, asked: 0x01 },
  { given: 0x02, asked: 0x02 },
  { given: 0x03, asked: 0x01 },
  { given: 0x1f, asked: 0x1d },
  { given: 0x1c, asked: 0x1c },
  { given: 0xe2, asked: 0xe2 },
])
  void t.test(
    `registered_delivery ${given} of an ESME asks an SMSC of 3.4 for ${asked}`,
    async t => {
      const body = encodeBody('submit_sm', { ...FIELDS, registered_delivery: given })
      const outgoing = askingForReceipts(body, given)
      t.same(outgoing, encodeBody('submit_sm', { ...FIELDS, registered_delivery: asked }))
      if (given === asked) t.equal(outgoing, body, 'no copy')
    },
  )

const NOW = Date.UTC(2026, 0, 31, 10, 20, 30)
const ttl = (seconds: number): Tlv =>
  tlv.octets('qos_time_to_live', Buffer.of(0, 0, seconds >> 8, seconds & 0xff))

for (const { validity_period, ttlS, leftMs, expected, expectedS } of [
  { validity_period: '000000020000000R', leftMs: 3_600_000, expected: '000000010000000R' },
  { validity_period: '000000020000000R', leftMs: 59_999, expected: '000000000059000R' },
  { validity_period: '000000020000000R', leftMs: 10, expected: '000000000001000R' },
  { validity_period: '000100000000000R', leftMs: 31 * 86_400_000, expected: '000031000000000R' },
  { validity_period: '000200000000000R', leftMs: 40 * 86_400_000, expected: '260312102030000+' },
  { validity_period: '260201000000000+', leftMs: 5000, expected: '260201000000000+' },
  { validity_period: '', leftMs: 5000, expected: '' },
  { validity_period: '', ttlS: 7200, leftMs: 90_500, expected: '', expectedS: 90 },
  {
    validity_period: '000000020000000R',
    ttlS: 7200,
    leftMs: 90_000,
    expected: '000000000130000R',
    expectedS: 90,
  },
] as {
  validity_period: string
  ttlS?: number
  leftMs: number
  expected: string
  expectedS?: number
}[])
  void t.test(
    `validity_period "${validity_period}", qos_time_to_live ${ttlS}: ${leftMs} ms before its end it says "${expected}", ${expectedS}`,
    async t => {
      const body = (validity_period: string, ttlS?: number): Buffer =>
        encodeBody('submit_sm', {
          ...FIELDS,
          validity_period,
          tlvs: [...FIELDS.tlvs, ...(ttlS === undefined ? [] : [ttl(ttlS)])],
        })
      const given = body(validity_period, ttlS)
      const outgoing = withWhatIsLeft(given, NOW + leftMs, NOW)
      t.same(outgoing, body(expected, expectedS))
      t.same(given, body(validity_period, ttlS), 'what the journal has stays')
      if (expected === validity_period && ttlS === undefined) t.equal(outgoing, given, 'no copy')
    },
  )

void t.test('TLVs that the connector strips stay here', async t => {
  const given = encodeBody('submit_sm', { ...FIELDS, validity_period: '000001000000000R' })
  const tlvs = { to: { campaign: 'strip' as const } }
  const without = { ...FIELDS, tlvs: FIELDS.tlvs.slice(0, 1) }
  t.same(
    outgoingBody(given, connector('a', { tlvs })),
    encodeBody('submit_sm', { ...without, validity_period: '000001000000000R' }),
  )
  t.same(
    outgoingBody(given, connector('a', { tlvs, validityPeriod: 'strip' })),
    encodeBody('submit_sm', without),
    'and the time with them',
  )
  t.equal(outgoingBody(given, connector('a', { tlvs: { from: tlvs.to } })), given)
})
