import { connect } from 'node:net'

/** `refused`: nobody listens there any more, so that process is gone. `unknown`: no answer at all. */
export type PortState = 'accepts' | 'refused' | 'unknown'

/** Dials a peer's port and hangs up. Resolves within `timeoutMs`. */
export function probePort(address: string, timeoutMs: number): Promise<PortState> {
  const { host, port } = splitAddress(address)
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const end = (state: PortState): void => {
      socket.destroy()
      resolve(state)
    }
    socket.setTimeout(timeoutMs, () => end('unknown'))
    socket.once('connect', () => end('accepts'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused' : 'unknown'),
    )
  })
}

/** host:port, the host perhaps in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(address.slice(at + 1)) }
}
