import { join } from 'node:path'
import { runClient, runningSystem, startListener } from './programs.js'
import type { System } from './system.js'

const SHAPE = { connections: 6, window: 250 }

export const SOCKET_ECHO: System = {
  name: 'echo',
  title: 'a bare socket of Node.js that sends back what comes',
  workloads: [
    {
      name: 'echo',
      client: `own, ${SHAPE.connections} connections × ${SHAPE.window} messages, written as they come back`,
    },
  ],
  missing: () => undefined,
  version: () => `Node.js ${process.versions.node}`,

  async start({ directory, time, octets }) {
    const { process, port } = await startListener('socket-echo-main', join(directory, 'echo.log'))
    return runningSystem([process], () =>
      Promise.resolve(async () => {
        const load = { kind: 'echo', port, octets, ...SHAPE, ...time } as const
        const report = await runClient(load, join(directory, 'client.log'))
        return { ...report, dispatchedPerSecond: null }
      }),
    )
  },
}
