import { BlockList, isIP, type Socket } from 'node:net'
import type { Timers } from '../base/clock.js'
import { parseProxyHeader, type ProxyHeader } from './proxy-protocol.js'

/**
 * Reads the PROXY header at the start of a connection and puts what follows it back. `done` is called
 * once, with a verdict and never with 'incomplete'; not at all when the socket closes first.
 */
export function readProxyHeader(
  socket: Socket,
  timers: Timers,
  timeoutMs: number,
  done: (header: Exclude<ProxyHeader, { kind: 'incomplete' }>) => void,
): void {
  let octets: Buffer = Buffer.alloc(0)
  const stop = (): void => {
    cancel()
    socket.removeListener('readable', readable)
    socket.removeListener('close', stop)
  }
  const readable = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    octets = Buffer.concat([octets, chunk])
    const header = parseProxyHeader(octets)
    if (header.kind === 'incomplete') return
    stop()
    const rest = octets.subarray(header.kind === 'header' ? header.octets : 0)
    if (rest.length > 0) socket.unshift(rest)
    done(header)
  }
  const cancel = timers.after(timeoutMs, () => {
    stop()
    done({ kind: 'bad', reason: 'none came in time' })
  })
  socket.on('readable', readable)
  socket.once('close', stop)
}

/** Tells whether an address is in one of the ranges ("10.0.0.0/8", "::1", …). Throws on a bad range. */
export function trustList(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix, ...more] = range.split('/')
    const version = isIP(address)
    const bits = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix)
    const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix)
    if (version === 0 || !isPrefix || bits > (version === 4 ? 32 : 128) || more.length > 0) {
      throw new RangeError(`"${range}" is neither an address nor a CIDR range`)
    }
    list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6')
  }
  return address => {
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
