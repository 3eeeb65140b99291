import t from 'tap'
import { asUcs2, describeDataCoding } from './data-coding.js'

for (const { data_coding, expected } of [
  // SMPP 3.4 §5.2.19
  { data_coding: 0x00, expected: { alphabet: 'default' } },
  { data_coding: 0x01, expected: { alphabet: 'ia5' } },
  { data_coding: 0x03, expected: { alphabet: 'latin1' } },
  { data_coding: 0x04, expected: { alphabet: 'octets' } },
  { data_coding: 0x06, expected: { alphabet: 'cyrillic' } },
  { data_coding: 0x07, expected: { alphabet: 'hebrew' } },
  { data_coding: 0x08, expected: { alphabet: 'ucs2' } },
  { data_coding: 0x0e, expected: { alphabet: 'euc-kr' } },
  { data_coding: 0x0b, expected: { alphabet: 'unknown' } },
  // 3GPP TS 23.038 §4: general data coding
  { data_coding: 0x10, expected: { alphabet: 'default', class: 0 } },
  { data_coding: 0x12, expected: { alphabet: 'default', class: 2 } },
  { data_coding: 0x14, expected: { alphabet: 'octets', class: 0 } },
  { data_coding: 0x18, expected: { alphabet: 'ucs2', class: 0 } },
  { data_coding: 0x1c, expected: { alphabet: 'unknown', class: 0 } },
  { data_coding: 0x20, expected: { alphabet: 'octets', compressed: true } },
  { data_coding: 0x48, expected: { alphabet: 'ucs2', autoDelete: true } },
  { data_coding: 0x80, expected: { alphabet: 'unknown' } },
  // message waiting: discarded, stored, stored in UCS-2
  {
    data_coding: 0xc8,
    expected: { alphabet: 'default', mwi: { kind: 'voicemail', active: true, store: false } },
  },
  {
    data_coding: 0xd1,
    expected: { alphabet: 'default', mwi: { kind: 'fax', active: false, store: true } },
  },
  {
    data_coding: 0xea,
    expected: { alphabet: 'ucs2', mwi: { kind: 'email', active: true, store: true } },
  },
  // message class
  { data_coding: 0xf0, expected: { alphabet: 'default', class: 0 } },
  { data_coding: 0xf6, expected: { alphabet: 'octets', class: 2 } },
] as const)
  void t.test(`data_coding 0x${data_coding.toString(16).padStart(2, '0')}`, async t => {
    t.same(describeDataCoding(data_coding), expected)
  })

void t.test('the same of a text in UCS-2, class and indication as they were', async t => {
  for (let data_coding = 0; data_coding < 256; data_coding++) {
    const described = describeDataCoding(data_coding)
    if (described.alphabet !== 'default') continue
    const ucs2 = asUcs2(data_coding)
    if (ucs2 === undefined) t.equal(described.mwi?.store, false)
    else t.same(describeDataCoding(ucs2), { ...described, alphabet: 'ucs2' })
  }
})
