import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/**
 * Ports for TCP, one after the other, that are free now and that nobody else gets while this process runs: a node
 * that is killed and started again finds its own still free.
 *
 * - The system gives ports of a range to outgoing connections and to whoever listens on port 0: these are others.
 * - Other processes that ask here see that the port is held, by a UDP socket of the same number, which is in
 *   nobody's way and goes with its process.
 *
 * @throws Error when there are none
 */
export async function freePorts(count: number): Promise<number[]> {
  const [lo, hi] = range()
  for (let tries = 0; tries < 1_000; tries++) {
    const first = lo + Math.floor(Math.random() * (hi - lo - count))
    const ports = Array.from({ length: count }, (_, i) => first + i)
    if (await hold(ports)) return ports
  }
  throw new Error(`no ${count} free ports, one after the other, in [${lo}, ${hi})`)
}

/** Holds all of them until this process ends, or none where somebody has one of them. */
export async function hold(ports: readonly number[]): Promise<boolean> {
  const held: Socket[] = []
  for (const port of ports) {
    const socket = await heldBy(port)
    if (socket !== undefined) held.push(socket)
    if (socket !== undefined && (await canListen(port))) continue
    for (const one of held) one.close()
    return false
  }
  return true
}

/** [lo, hi), outside of the range from which the system gives ports. */
function range(): [number, number] {
  const [first, last] = systemRange()
  if (first >= 12_000) return [10_000, Math.min(first, 30_000)]
  if (last <= 63_000) return [last + 1, 65_536]
  return [10_000, 30_000] // it is nearly everything: what is random is rarely the same
}

function systemRange(): [number, number] {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1') // ip(7)
    const [first, last] = text.trim().split(/\s+/).map(Number)
    return [first!, last!]
  } catch {
    return [32_768, 60_999]
  }
}

function heldBy(port: number): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(undefined))
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => resolve(socket.unref()))
  })
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })
}
