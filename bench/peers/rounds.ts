import { mkdir, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { msText } from '../../src/tools/units.js'
import { sumAt, type Reading } from '../load.js'
import type { LoadTime } from './clients/meter.js'
import type { Row, RoundSample } from './ratios.js'
import { Unable, type RunningSystem, type System } from './system.js'

export interface RoundsOptions {
  systems: readonly System[]
  rounds: number
  time: LoadTime
  octets: number
  /** Everything that is started lives in there. */
  directory: string
  progress: (text: string) => void
  /** Gets the rows after each round: what is known by then. */
  afterRound: (rows: Row[]) => Promise<void>
}

/** All systems in turn, as often as there are rounds: what else the machine does meets them all alike. */
export async function runRounds(options: RoundsOptions): Promise<void> {
  const { systems, rounds, afterRound } = options
  const rows = systems.flatMap(system =>
    system.workloads.map(({ name, client }) => ({
      system: system.name,
      workload: name,
      client,
      samples: Array.from({ length: rounds }, (): RoundSample | undefined => undefined),
      skipped: system.missing() ?? '',
    })),
  )
  for (let round = 0; round < rounds; round++) {
    for (const system of systems) {
      const own = rows.filter(row => row.system === system.name && row.skipped === '')
      if (own.length > 0) await runSystem(system, round, own, options)
    }
    await afterRound(rows)
  }
}

/** One system in one round. What fails says so in its rows, and all goes on. */
async function runSystem(
  system: System,
  round: number,
  rows: readonly Row[],
  { directory: parent, time, octets, progress }: RoundsOptions,
): Promise<void> {
  const directory = join(parent, `${system.name}-${round + 1}`)
  await mkdir(directory)
  let running: RunningSystem | undefined
  try {
    running = await system.start({ directory, time, octets })
    for (const row of rows) {
      const sample = await watched(running, row.workload)
      row.samples[round] = sample
      const { perSecond, latencyMs, clientCores, systemCores, problems } = sample
      progress(
        `round ${round + 1}: ${system.name} ${row.workload}: ${perSecond}/s, ` +
          `p50 ${msText(latencyMs.p50)}, p99 ${msText(latencyMs.p99)}, ` +
          `cores: ${systemCores} system, ${clientCores} client` +
          problems.map(problem => `; ${problem}`).join(''),
      )
    }
  } catch (error) {
    const { message } = error as Error
    const why = error instanceof Unable ? message : `failed: ${message.split('\n')[0] ?? ''}`
    for (const row of rows) if (row.samples[round] === undefined) row.skipped = why
    progress(`round ${round + 1}: ${system.name}: ${message}`)
  } finally {
    await running?.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Measures, and watches who uses the cores meanwhile. */
async function watched(running: RunningSystem, workload: string): Promise<RoundSample> {
  const system: Reading[] = []
  const machine: Reading[] = []
  const timer = setInterval(() => {
    const atMs = Date.now()
    system.push({ atMs, sum: running.cpuMs })
    machine.push({ atMs, sum: busyMs() })
  }, 100)
  try {
    const sample = await running.measure(workload)
    const { fromMs, untilMs } = sample
    const cores = (readings: readonly Reading[]): number => {
      const usedMs = sumAt(readings, untilMs) - sumAt(readings, fromMs)
      return Math.round((usedMs * 100) / (untilMs - fromMs)) / 100
    }
    return { ...sample, systemCores: cores(system), machineCores: cores(machine) }
  } finally {
    clearInterval(timer)
  }
}

/** CPU time that the machine has spent since its start, ms, on whatever; 0 where that cannot be read. Linux only. */
function busyMs(): number {
  try {
    const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!
    const [user, nice, system, , , irq, softirq, steal] = line.split(/ +/).slice(1).map(Number)
    return (user! + nice! + system! + irq! + softirq! + steal!) * 10 // USER_HZ is 100: proc(5)
  } catch {
    return 0
  }
}
