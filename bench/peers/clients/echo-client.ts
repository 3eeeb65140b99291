import { connect } from 'node:net'
import { endOf, type Drive } from './drive.js'

export interface EchoLoad {
  kind: 'echo'
  port: number
  connections: number
  /** Messages of each connection that have not come back. */
  window: number
  octets: number
}

/** Messages that come back as they are; as many as came in one read go out again in one write. */
export const driveEcho: Drive<EchoLoad> = async (load, meter) => {
  const { port, connections, window, octets } = load
  const full = Buffer.alloc(window * octets, 0x61)
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const sentAtMs: number[] = []
    let cameBack = 0
    const send = (messages: number): void => {
      if (meter.isOver || messages === 0) return
      const now = meter.now()
      for (let i = 0; i < messages; i++) sentAtMs.push(now)
      socket.write(full.subarray(0, messages * octets))
    }
    socket.on('data', ({ length }) => {
      const messages = Math.floor((cameBack + length) / octets)
      cameBack += length - messages * octets
      for (const at of sentAtMs.splice(0, messages)) meter.answered(at)
      send(messages)
    })
    send(window)
    return socket
  })
  return endOf(sockets, meter)
}
