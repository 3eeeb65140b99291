import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseProxyHeader, PROXY_HEADER_OCTETS_MAX } from './proxy-protocol.js'
import { trustList } from './proxy-reader.js'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const V4 = 'cb007107 c0000201 9c40 0ad7'
const V6 = '20010db8000000000000000000000007 20010db8000000000000000000000001 9c40 0ad7'
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const text = (line: string): Buffer => Buffer.from(line, 'latin1')

for (const { title, octets, expected } of [
  {
    title: 'version 1, IPv4',
    octets: text('PROXY TCP4 203.0.113.7 192.0.2.1 40000 2775\r\n'),
    expected: { address: '203.0.113.7', port: 40_000 },
  },
  {
    title: 'version 1, IPv6',
    octets: text('PROXY TCP6 2001:db8::7 2001:db8::1 40000 2775\r\n'),
    expected: { address: '2001:db8::7', port: 40_000 },
  },
  { title: 'version 1, UNKNOWN', octets: text('PROXY UNKNOWN\r\n'), expected: undefined },
  {
    title: 'version 1, UNKNOWN with more',
    octets: text('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'),
    expected: undefined,
  },
  {
    title: 'version 2, IPv4',
    octets: hex(`${SIGNATURE} 21 11 000c ${V4}`),
    expected: { address: '203.0.113.7', port: 40_000 },
  },
  {
    title: 'version 2, IPv6',
    octets: hex(`${SIGNATURE} 21 21 0024 ${V6}`),
    expected: { address: '2001:db8::7', port: 40_000 },
  },
  {
    title: 'version 2 with TLVs',
    octets: hex(`${SIGNATURE} 21 11 0011 ${V4} 04 0002 0000`),
    expected: { address: '203.0.113.7', port: 40_000 },
  },
  { title: 'version 2, LOCAL', octets: hex(`${SIGNATURE} 20 00 0000`), expected: undefined },
  {
    title: 'version 2, LOCAL with addresses',
    octets: hex(`${SIGNATURE} 20 11 000c ${V4}`),
    expected: undefined,
  },
  { title: 'version 2, UNSPEC', octets: hex(`${SIGNATURE} 21 00 0000`), expected: undefined },
]) {
  void t.test(`a header of ${title} is read, and not before it is whole`, t => {
    const header = { kind: 'header', octets: octets.length, source: expected }
    t.same(parseProxyHeader(Buffer.concat([octets, hex('00000010')])), header)
    t.same(parseProxyHeader(octets), header)
    for (let length = 0; length < octets.length; length++) {
      t.equal(parseProxyHeader(octets.subarray(0, length)).kind, 'incomplete')
    }
    t.end()
  })
}

for (const { title, octets } of [
  { title: 'an unknown family', octets: text('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n') },
  { title: 'an address of the other family', octets: text('PROXY TCP4 ::1 ::1 1 2\r\n') },
  { title: 'no address', octets: text('PROXY TCP4 localhost localhost 1 2\r\n') },
  { title: 'a port too large', octets: text('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n') },
  { title: 'a port with a leading zero', octets: text('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n') },
  { title: 'a port missing', octets: text('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n') },
  { title: 'a word too many', octets: text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n') },
  { title: 'a line that does not end', octets: text(`PROXY ${'x'.repeat(200)}`) },
  { title: 'another version', octets: hex(`${SIGNATURE} 31 11 000c ${V4}`) },
  { title: 'another command', octets: hex(`${SIGNATURE} 22 11 000c ${V4}`) },
  { title: 'UDP', octets: hex(`${SIGNATURE} 21 12 000c ${V4}`) },
  { title: 'a UNIX socket', octets: hex(`${SIGNATURE} 21 31 000c ${V4}`) },
  { title: 'too few octets', octets: hex(`${SIGNATURE} 21 11 0004 cb007107`) },
  { title: 'a length beyond the bound', octets: hex(`${SIGNATURE} 21 11 ffff`) },
]) {
  void t.test(`a header with ${title} is bad`, t => {
    t.equal(parseProxyHeader(octets).kind, 'bad')
    t.end()
  })
}

void t.test('what begins otherwise is no header', t => {
  for (const octets of [hex('00000010'), text('GET / HTTP/1.1'), text('PROXZ'), hex('0d0a0d0b')]) {
    t.equal(parseProxyHeader(octets).kind, 'none')
  }
  t.end()
})

void t.test('no octets make it throw, ask for more for ever, or change a verdict', t => {
  const head = fc.constantFrom(text('PROXY TCP4 '), hex(SIGNATURE), Buffer.alloc(0))
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 200 }), (head, rest) => {
      const octets = Buffer.concat([head, rest, Buffer.alloc(PROXY_HEADER_OCTETS_MAX)])
      const verdict = parseProxyHeader(octets)
      if (verdict.kind === 'incomplete') throw new Error('asks for ever')
      for (let length = 0; length < 300; length++) {
        const early = parseProxyHeader(octets.subarray(0, length))
        if (early.kind !== 'incomplete') deepStrictEqual(early, verdict)
      }
    }),
  )
  t.end()
})

void t.test('trusted proxies are addresses or CIDR ranges', t => {
  const trusts = trustList(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1'])
  for (const address of ['10.1.2.3', '192.0.2.1', '2001:db8:1::1', '::1']) t.ok(trusts(address))
  for (const address of ['11.1.2.3', '192.0.2.2', '2001:db9::1', '', 'x']) t.notOk(trusts(address))
  for (const range of ['10.0.0.0/33', '10.0.0/8', 'proxy', '10.0.0.0/8/8', '10.0.0.0/', '::/129']) {
    t.throws(() => trustList([range]), RangeError)
  }
  t.notOk(trustList([])('127.0.0.1'))
  t.end()
})
