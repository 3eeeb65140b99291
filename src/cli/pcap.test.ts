import t from 'tap'
import { pcapHeader, PcapPackets } from './pcap.js'
import { readPcap } from './testing/read-pcap.js'

const esme = { host: '192.0.2.1', port: 40_000 }
const node = { host: '198.51.100.7', port: 2775 }

void t.test('streams with gaps, acknowledgements and large PDUs', async t => {
  const packets = new PcapPackets()
  const big = Buffer.alloc(70_000, 7)
  const file = Buffer.concat([
    pcapHeader(),
    packets.of({
      atMs: 1_700_000_000_123,
      from: esme,
      to: node,
      place: 0,
      octets: Buffer.from('abc'),
    }),
    packets.of({
      atMs: 1_700_000_000_124,
      from: node,
      to: esme,
      place: 0,
      octets: Buffer.from('de'),
    }),
    packets.of({ atMs: 1_700_000_000_125, from: esme, to: node, place: 103, octets: big }),
  ])
  const segments = readPcap(file)
  t.match(segments.slice(0, 3), [
    {
      atMs: 1_700_000_000_123,
      from: '192.0.2.1:40000',
      to: '198.51.100.7:2775',
      sequence: 1,
      acknowledged: 1,
    },
    { from: '198.51.100.7:2775', sequence: 1, acknowledged: 4 },
    { sequence: 104, acknowledged: 3 },
  ])
  t.equal(segments[0]!.payload.toString(), 'abc')
  t.ok(big.equals(Buffer.concat(segments.slice(2).map(({ payload }) => payload))))
  t.same(
    segments.slice(2).map(({ sequence }) => sequence),
    [104, 16_488, 32_872, 49_256, 65_640],
  )
})

void t.test('IPv6, and an IPv4 address that meets one', async t => {
  const of = (host: string) => {
    const packets = new PcapPackets()
    const segment = { atMs: 0, from: { host, port: 1 }, to: { host: '::1', port: 2 } }
    const octets = packets.of({ ...segment, place: 0, octets: Buffer.from('x') })
    return readPcap(Buffer.concat([pcapHeader(), octets]))[0]!.from
  }
  t.equal(of('2001:db8::12:0:3'), '2001:db8:0:0:0:12:0:3:1')
  t.equal(of('fe80::1%eth0'), 'fe80:0:0:0:0:0:0:1:1')
  t.equal(of('10.1.2.3'), '0:0:0:0:0:ffff:a01:203:1')
  t.equal(of('::ffff:10.1.2.3'), '0:0:0:0:0:ffff:a01:203:1')
  t.equal(of(''), '0:0:0:0:0:ffff:0:0:1', 'no address')
})
