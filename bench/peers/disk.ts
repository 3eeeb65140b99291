import { join } from 'node:path'
import { runClient } from './programs.js'
import type { System } from './system.js'

const BLOCK_OCTETS = 16_384

export const DISK: System = {
  name: 'disk',
  title: 'the disk alone: appends of 16 KiB, fdatasync after each',
  workloads: [{ name: 'appends', client: 'own, one file, one append after the other' }],
  missing: () => undefined,
  version: () => '',

  start({ directory, time }) {
    return Promise.resolve({
      cpuMs: 0,
      async measure() {
        const load = { kind: 'append', file: join(directory, 'appends'), ...time } as const
        const report = await runClient(
          { ...load, octets: BLOCK_OCTETS },
          join(directory, 'client.log'),
        )
        return { ...report, dispatchedPerSecond: null }
      },
      stop: () => Promise.resolve(),
    })
  },
}
