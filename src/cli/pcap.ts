import { isIP } from 'node:net'
import type { Address } from '../base/address.js'

/** What a segment carries: octets of a stream of TCP, and from where to where. */
export interface Segment {
  /** ms since the Unix epoch. */
  atMs: number
  from: Address
  to: Address
  /** Octets of this stream before these. */
  place: number
  octets: Buffer
}

/** Octets in one packet; a PDU of 64 KiB has more than IP can carry. */
const SEGMENT_OCTETS_MAX = 16_384
/** Source: libpcap's pcap-savefile(5): magic of microseconds, version 2.4, link type 1 (Ethernet). */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0x40000, 16)
  header.writeUInt32LE(1, 20)
  return header
}

/**
 * Packets as they could have been captured: Ethernet, IP and TCP around what a node saw at its sockets, with the
 * addresses and ports of both ends. Handshakes, acknowledgements on their own and retransmissions are not among them; sequence
 * numbers begin at 1 where the trace began, and a gap in them is what the trace has dropped.
 */
export class PcapPackets {
  /** By stream: the octet after the last one that was seen; what the other side acknowledges. */
  private readonly ends: Map<string, number> = new Map()
  private identification = 0

  /** Records of a pcap file. */
  of({ atMs, from, to, place, octets }: Segment): Buffer {
    const records: Buffer[] = []
    const name = `${from.host} ${from.port} ${to.host} ${to.port}`
    const back = `${to.host} ${to.port} ${from.host} ${from.port}`
    for (let at = 0; at < octets.length; at += SEGMENT_OCTETS_MAX) {
      const part = octets.subarray(at, at + SEGMENT_OCTETS_MAX)
      const sequence = (1 + place + at) % 2 ** 32
      const acknowledged = (1 + (this.ends.get(back) ?? 0)) % 2 ** 32
      records.push(record(atMs, this.packet(from, to, { sequence, acknowledged, part })))
      this.ends.set(name, place + at + part.length)
    }
    return Buffer.concat(records)
  }

  private packet(
    from: Address,
    to: Address,
    { sequence, acknowledged, part }: { sequence: number; acknowledged: number; part: Buffer },
  ): Buffer {
    const six = isIP(from.host) === 6 || isIP(to.host) === 6
    const [source, destination] = [ipOctets(from.host, six), ipOctets(to.host, six)]
    const tcp = Buffer.alloc(20 + part.length)
    tcp.writeUInt16BE(from.port, 0)
    tcp.writeUInt16BE(to.port, 2)
    tcp.writeUInt32BE(sequence, 4)
    tcp.writeUInt32BE(acknowledged, 8)
    tcp[12] = 5 << 4
    tcp[13] = PSH_ACK
    tcp.writeUInt16BE(65_535, 14)
    part.copy(tcp, 20)
    const pseudo = Buffer.alloc(8)
    pseudo.writeUInt32BE(tcp.length, 0)
    pseudo[7] = TCP
    tcp.writeUInt16BE(checksum(source, destination, pseudo, tcp), 16)
    const ip = six
      ? ipv6Header(source, destination, tcp.length)
      : ipv4Header(
          source,
          destination,
          tcp.length,
          (this.identification = (this.identification + 1) & 0xffff),
        )
    return Buffer.concat([ETHERNET, Buffer.from(six ? [0x86, 0xdd] : [0x08, 0x00]), ip, tcp])
  }
}

/** Two addresses of our own giving (locally administered): nobody saw the real ones. */
const ETHERNET = Buffer.from('020000000002020000000001', 'hex')
const TCP = 6
const PSH_ACK = 0x18

function record(atMs: number, packet: Buffer): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(Math.floor(atMs / 1000), 0)
  header.writeUInt32LE(Math.round((atMs % 1000) * 1000), 4)
  header.writeUInt32LE(packet.length, 8)
  header.writeUInt32LE(packet.length, 12)
  return Buffer.concat([header, packet])
}

/** Source: RFC 791 §3.1. */
function ipv4Header(source: Buffer, destination: Buffer, octets: number, id: number): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + octets, 2)
  header.writeUInt16BE(id, 4)
  header[6] = 0x40 // do not fragment
  header[8] = 64
  header[9] = TCP
  source.copy(header, 12)
  destination.copy(header, 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

/** Source: RFC 8200 §3. */
function ipv6Header(source: Buffer, destination: Buffer, octets: number): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(octets, 4)
  header[6] = TCP
  header[7] = 64
  source.copy(header, 8)
  destination.copy(header, 24)
  return header
}

/** Of all of them behind one another; each but the last of an even length. Source: RFC 1071. */
function checksum(...parts: Buffer[]): number {
  let sum = 0
  for (const part of parts)
    for (let at = 0; at < part.length; at += 2) sum += (part[at]! << 8) | (part[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** Four octets or sixteen; an IPv4 address among IPv6 ones is a mapped one. What is no address is 0. */
function ipOctets(text: string, six: boolean): Buffer {
  const host = text.replace(/%.*$/, '')
  const version = isIP(host)
  const four = Buffer.from(version === 4 ? host.split('.').map(Number) : [0, 0, 0, 0])
  if (!six) return four
  if (version !== 6) return Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), four])
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host)
  const [, before = '', tail = ''] = dotted ?? []
  const [a, b, c, d] = tail.split('.').map(Number)
  const plain =
    dotted === null
      ? host
      : `${before}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
  const [left = '', right] = plain.split('::')
  const groups = (of: string): string[] => (of === '' ? [] : of.split(':'))
  const [head, rest] = [groups(left), groups(right ?? '')]
  const zeros = Array.from({ length: 8 - head.length - rest.length }, () => '0')
  const octets = Buffer.alloc(16)
  for (const [i, group] of [...head, ...zeros, ...rest].entries())
    octets.writeUInt16BE(Number.parseInt(group, 16), 2 * i)
  return octets
}
