/** One TCP segment of a capture. */
export interface ReadSegment {
  atMs: number
  /** address:port */
  from: string
  to: string
  sequence: number
  acknowledged: number
  payload: Buffer
}

/**
 * Reads a pcap file of TCP in IP in Ethernet, for tests. @throws Error where a length or a checksum is wrong
 */
export function readPcap(file: Buffer): ReadSegment[] {
  if (file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1)
    throw new Error('no pcap of Ethernet')
  const segments: ReadSegment[] = []
  for (let at = 24; at < file.length;) {
    const atMs = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000
    const length = file.readUInt32LE(at + 8)
    if (file.readUInt32LE(at + 12) !== length || at + 16 + length > file.length)
      throw new Error(`record at ${at} is cut`)
    segments.push({ atMs, ...segmentOf(file.subarray(at + 16, at + 16 + length)) })
    at += 16 + length
  }
  return segments
}

function segmentOf(frame: Buffer): Omit<ReadSegment, 'atMs'> {
  const six = frame.readUInt16BE(12) === 0x86dd
  const ip = frame.subarray(14)
  const head = six ? 40 : 20
  const total = six ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2)
  if (total !== ip.length) throw new Error(`IP says ${total} octets, there are ${ip.length}`)
  if (!six && sum(ip.subarray(0, 20)) !== 0xffff) throw new Error('IP checksum')
  const width = six ? 16 : 4
  const addresses = ip.subarray(head - 2 * width, head)
  const tcp = ip.subarray(head)
  const pseudo = Buffer.alloc(8)
  pseudo.writeUInt32BE(tcp.length, 0)
  pseudo[7] = six ? ip[6]! : ip[9]!
  if (sum(Buffer.concat([addresses, pseudo, tcp])) !== 0xffff) throw new Error('TCP checksum')
  return {
    from: `${text(addresses.subarray(0, width))}:${tcp.readUInt16BE(0)}`,
    to: `${text(addresses.subarray(width))}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    acknowledged: tcp.readUInt32BE(8),
    payload: tcp.subarray((tcp[12]! >> 4) * 4),
  }
}

/** The ones' complement sum: 0xffff where the checksum in it is right. Source: RFC 1071. */
function sum(octets: Buffer): number {
  let total = 0
  for (let at = 0; at < octets.length; at += 2) total += octets[at]! * 256 + (octets[at + 1] ?? 0)
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000)
  return total
}

function text(address: Buffer): string {
  if (address.length === 4) return address.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i).toString(16))
  return groups.join(':')
}
