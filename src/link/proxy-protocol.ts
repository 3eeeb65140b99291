import { isIP } from 'node:net'

/** Whom a proxy connected for. */
export interface ProxySource {
  address: string
  port: number
}

export type ProxyHeader =
  /** More octets are needed; a peer that speaks first and is no proxy is never kept waiting by this. */
  | { kind: 'incomplete' }
  /** The stream begins with something else. */
  | { kind: 'none' }
  /** `octets` of the stream were the header. Without a source (LOCAL, UNKNOWN) the proxy speaks for itself. */
  | { kind: 'header'; octets: number; source: ProxySource | undefined }
  | { kind: 'bad'; reason: string }

/** The largest header that is read: version 1 has at most 107 octets, and TLVs of version 2 are skipped. */
export const PROXY_HEADER_OCTETS_MAX = 2_048

/**
 * Reads a PROXY protocol header, version 1 or 2, from the first octets of a connection. Pure: call it
 * again with more octets while it says `incomplete`.
 * Source: haproxy.org/download/2.9/doc/proxy-protocol.txt, §2.1 and §2.2.
 */
export function parseProxyHeader(octets: Buffer): ProxyHeader {
  if (begins(octets, V2_SIGNATURE)) {
    return octets.length < V2_SIGNATURE.length ? INCOMPLETE : parseV2(octets)
  }
  if (begins(octets, V1_SIGNATURE)) {
    return octets.length < V1_SIGNATURE.length ? INCOMPLETE : parseV1(octets)
  }
  return { kind: 'none' }
}

const INCOMPLETE = { kind: 'incomplete' } as const
const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1')
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1_OCTETS_MAX = 107

/** Whether the octets, as far as they go, are the signature's. */
function begins(octets: Buffer, signature: Buffer): boolean {
  const length = Math.min(octets.length, signature.length)
  return octets.compare(signature, 0, length, 0, length) === 0
}

function parseV1(octets: Buffer): ProxyHeader {
  const end = octets.subarray(0, V1_OCTETS_MAX).indexOf('\r\n', 0, 'latin1')
  if (end < 0) {
    return octets.length < V1_OCTETS_MAX ? INCOMPLETE : bad('version 1, the line does not end')
  }
  const [, family, source, destination, port, destinationPort, ...more] = octets
    .toString('latin1', 0, end)
    .split(' ')
  if (family === 'UNKNOWN') return { kind: 'header', octets: end + 2, source: undefined }
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0
  if (version === 0) return bad('version 1, neither TCP4, TCP6 nor UNKNOWN')
  if (isIP(source ?? '') !== version || isIP(destination ?? '') !== version) {
    return bad('version 1, not an address of its family')
  }
  if (!isPort(port) || !isPort(destinationPort) || more.length > 0) {
    return bad('version 1, not two ports')
  }
  return {
    kind: 'header',
    octets: end + 2,
    source: { address: source!, port: Number(port) },
  }
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function parseV2(octets: Buffer): ProxyHeader {
  if (octets.length < 16) return INCOMPLETE
  const version = octets[12]! >> 4
  const command = octets[12]! & 0x0f
  const family = octets[13]! >> 4
  const transport = octets[13]! & 0x0f
  const length = octets.readUInt16BE(14)
  if (version !== 2) return bad(`version ${version}`)
  if (command > 1) return bad(`version 2, command ${command}`)
  const end = 16 + length
  if (end > PROXY_HEADER_OCTETS_MAX) return bad(`version 2, ${end} octets`)
  if (octets.length < end) return INCOMPLETE
  // LOCAL, or a family without an address we know: the proxy's own, skipped as the standard says
  if (command === 0 || family === 0) return { kind: 'header', octets: end, source: undefined }
  if (transport !== 1) return bad(`version 2, transport ${transport}`)
  const addressLength = family === 1 ? 4 : family === 2 ? 16 : 0
  if (addressLength === 0) return bad(`version 2, family ${family}`)
  if (length < 2 * addressLength + 4) return bad('version 2, too short for its addresses')
  return {
    kind: 'header',
    octets: end,
    source: {
      address: addressText(octets.subarray(16, 16 + addressLength)),
      port: octets.readUInt16BE(16 + 2 * addressLength),
    },
  }
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1) // in its short form
}

function bad(reason: string): ProxyHeader {
  return { kind: 'bad', reason }
}
