import fc from 'fast-check'
import t from 'tap'
import { maskAddress } from './addresses.js'
import {
  formatReceiptDate,
  formatRelative,
  formatTime,
  parseReceiptDate,
  parseTime,
} from './times.js'

const NOW = Date.UTC(2026, 0, 31, 10, 20, 30, 400)

for (const { text, expected } of [
  { text: '260102030405000+', expected: '2026-01-02T03:04:05.000Z' },
  { text: '260102030405700+', expected: '2026-01-02T03:04:05.700Z' },
  { text: '260102030405004+', expected: '2026-01-02T02:04:05.000Z' }, // an hour ahead of UTC
  { text: '260102030405048-', expected: '2026-01-02T15:04:05.000Z' },
  { text: '000000000100000R', expected: '2026-01-31T10:21:30.400Z' },
  { text: '000001020304000R', expected: '2026-02-01T12:23:34.400Z' },
  { text: '000100000000000R', expected: '2026-02-28T10:20:30.400Z' }, // no 31 February
  { text: '010000000000000R', expected: '2027-01-31T10:20:30.400Z' },
  { text: '260230000000000+', expected: undefined },
  { text: '261301000000000+', expected: undefined },
  { text: '260101240000000+', expected: undefined },
  { text: '260101000000049+', expected: undefined },
  { text: '26010100000000+', expected: undefined },
  { text: '260101000000000 ', expected: undefined },
  { text: '2013-10-07 00:00:00', expected: undefined },
  { text: '', expected: undefined },
]) {
  void t.test(`the time "${text}" is ${expected ?? 'none'}`, t => {
    const atMs = parseTime(text, NOW)
    t.equal(atMs === undefined ? undefined : new Date(atMs).toISOString(), expected)
    t.end()
  })
}

void t.test('a time written is read back, to a tenth of a second', t => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 11, 31) }), atMs => {
      return parseTime(formatTime(atMs), 0) === Math.floor(atMs / 100) * 100
    }),
  )
  t.equal(formatRelative(90_000), '000000000130000R')
  t.equal(formatRelative(0), '000000000001000R')
  t.equal(parseTime(formatRelative(86_400_000 * 3), NOW), NOW + 86_400_000 * 3)
  t.equal(formatRelative(86_400_000 * 40), '000031000000000R')
  t.end()
})

void t.test('dates of receipts have 10, 12 or 14 digits', t => {
  const atMs = Date.UTC(2026, 1, 3, 4, 5)
  t.equal(formatReceiptDate(atMs + 6_000), '2602030405')
  t.equal(parseReceiptDate('2602030405'), atMs)
  t.equal(parseReceiptDate('260203040506'), atMs + 6_000)
  t.equal(parseReceiptDate('20260203040506'), atMs + 6_000)
  t.equal(parseReceiptDate('2602320405'), undefined)
  t.equal(parseReceiptDate('soon'), undefined)
  t.end()
})

void t.test('addresses are masked to their last four digits', t => {
  t.equal(maskAddress('491701234567'), '*4567')
  t.equal(maskAddress('1234'), '****')
  t.end()
})
