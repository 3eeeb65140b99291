import { BlockList, isIP } from 'node:net'

/** A set of address ranges, made once and asked often. */
export interface CidrSet {
  /** True for an address inside any range. An IPv4 address mapped into IPv6 counts as IPv4. */
  has(address: string): boolean
}

/**
 * Reads CIDRs; an address alone is a range of one.
 *
 * @throws Error naming the first that is none
 */
export function cidrSet(cidrs: readonly string[]): CidrSet {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const parsed = parseCidr(cidr)
    if (parsed === undefined) throw new Error(`not an address range: ${cidr}`)
    list.addSubnet(parsed.address, parsed.prefix, parsed.family)
  }
  return {
    has(address) {
      const plain = unmapped(address)
      const family = isIP(plain)
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/** Like `cidrSet(cidrs).has(address)`, but an empty list lets everyone in. */
export function allows(cidrs: readonly string[], address: string): boolean {
  return cidrs.length === 0 || cidrSet(cidrs).has(address)
}

export interface Cidr {
  address: string
  prefix: number
  family: 'ipv4' | 'ipv6'
}

/** One range, or undefined where the text is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0 || address.includes('%')) return undefined
  const bits = family === 4 ? 32 : 128
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined
  const prefix = length === undefined ? bits : Number(length)
  if (prefix > bits) return undefined
  return { address, prefix, family: family === 4 ? 'ipv4' : 'ipv6' }
}

/** True for 127.0.0.0/8, ::1 and `localhost`: what only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || LOOPBACK.has(host)
}

const LOOPBACK = cidrSet(['127.0.0.0/8', '::1/128'])

/** `::ffff:10.0.0.1`, what a dual-stack listener reports, as `10.0.0.1`; a zone is cut off. */
function unmapped(address: string): string {
  const plain = address.split('%')[0] ?? address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)
  return mapped?.[1] ?? plain
}
