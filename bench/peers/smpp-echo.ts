import { createRequire } from 'node:module'
import { join } from 'node:path'
import { esmeArguments, sumAt, type Reading } from '../load.js'
import { runEsme } from '../tool-processes.js'
import { ESME_SHAPE } from './carillon.js'
import { runningSystem, startListener } from './programs.js'
import type { System } from './system.js'

export const SMPP_ECHO: System = {
  name: 'smpp',
  title: 'a server of the smpp package that answers at once and keeps nothing',
  workloads: [{ name: 'submits', client: 'carillon esme, as for Carillon' }],
  missing: () => (smppVersion() === undefined ? 'the smpp package is not here: npm ci' : undefined),
  version: () => `smpp ${smppVersion() ?? ''}`,

  async start({ directory, time, octets }) {
    const { process, port } = await startListener('smpp-echo-main', join(directory, 'smpp.log'))
    return runningSystem([process], () =>
      Promise.resolve(async () => {
        const load = { ...time, ...ESME_SHAPE, octets }
        const args = esmeArguments([`127.0.0.1:${port}`], 'accept', null, load)
        const readings: Reading[] = []
        const report = await runEsme(join(directory, 'esme.log'), args, readings)
        const fromMs = report.startedAtMs + time.warmUpMs
        const untilMs = report.startedAtMs + report.sendingMs
        const cpuMs = sumAt(readings, untilMs) - sumAt(readings, fromMs)
        return {
          perSecond: report.throughput,
          latencyMs: report.latencyMs,
          fromMs,
          untilMs,
          clientCores: Math.round((cpuMs * 100) / (untilMs - fromMs)) / 100,
          problems: report.problems,
          dispatchedPerSecond: null,
        }
      }),
    )
  },
}

function smppVersion(): string | undefined {
  try {
    const { version } = createRequire(import.meta.url)('smpp/package.json') as { version: string }
    return version
  } catch {
    return undefined
  }
}
