import { readFileSync } from 'node:fs'
import type { LoadOptions, Measurement, Path } from '../load.js'
import { Scenario } from '../scenario.js'
import type { Room, RunningSystem, Sample, System } from './system.js'

/** Of the load client, for Carillon and the server of the smpp package. */
export const ESME_SHAPE = { sessions: 6, window: 500 }
const ESME = `carillon esme, ${ESME_SHAPE.sessions} sessions × window ${ESME_SHAPE.window}`

interface Run {
  path: Path
  /** Messages a second that are offered; null: as many as the windows allow. */
  rate: number | null
}

/** By the names of workloads. Those of one path follow each other, for they share a cluster. */
const RUNS: Readonly<Record<string, Run>> = {
  accept: { path: 'accept', rate: null },
  dispatch: { path: 'dispatch', rate: null },
  'dispatch at 20,000/s': { path: 'dispatch', rate: 20_000 },
  'dispatch at 1,000/s': { path: 'dispatch', rate: 1_000 },
  receipts: { path: 'receipts', rate: null },
}

export const CARILLON_3 = carillon(3, Object.keys(RUNS))
export const CARILLON_1 = carillon(1, ['accept', 'dispatch', 'receipts'])

function carillon(nodes: number, workloads: readonly string[]): System {
  return {
    name: `carillon-${nodes}`,
    title: `Carillon, ${nodes === 1 ? 'one node' : `${nodes} nodes`}, fdatasync before the answer`,
    workloads: workloads.map(name => ({
      name,
      client: RUNS[name]!.rate === null ? ESME : 'carillon esme, open loop',
    })),
    missing: () => undefined,
    version: () => `Carillon ${ownVersion()}`,
    start: room => Promise.resolve(new RunningCarillon(nodes, room)),
  }
}

/** Has the cluster of one path at a time. */
class RunningCarillon implements RunningSystem {
  private readonly nodes: number
  private readonly room: Room
  private scenario: { path: Path; running: Scenario } | undefined

  constructor(nodes: number, room: Room) {
    this.nodes = nodes
    this.room = room
  }

  get cpuMs(): number {
    return this.scenario?.running.cpuMs ?? 0
  }

  async measure(workload: string): Promise<Sample> {
    const { path, rate } = RUNS[workload]!
    if (this.scenario?.path !== path) {
      await this.stop()
      const { directory, time, octets } = this.room
      const load: LoadOptions = { ...time, ...ESME_SHAPE, octets }
      const running = await Scenario.start({ nodes: this.nodes, path, load, parent: directory })
      this.scenario = { path, running }
    }
    return sampleOf(await this.scenario.running.measure(rate))
  }

  async stop(): Promise<void> {
    await this.scenario?.running.stop()
    this.scenario = undefined
  }
}

function sampleOf(measured: Measurement): Sample {
  const { acceptedPerSecond, dispatchedPerSecond, latencyMs, fromMs, untilMs } = measured
  const refused = Object.entries(measured.refused).map(([status, n]) => `${n} × ${status}`)
  return {
    perSecond: acceptedPerSecond,
    dispatchedPerSecond,
    latencyMs,
    fromMs,
    untilMs,
    clientCores: measured.loadCores,
    problems: [...refused, ...measured.problems],
  }
}

function ownVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
