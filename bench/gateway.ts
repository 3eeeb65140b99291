import type { LoadOptions, Measurement, Path, Way } from './load.js'
import { cannotGo, Scenario } from './scenario.js'

/** The gateway from outside: clusters of these sizes, on these paths, closed loop and at these rates. */
export interface GatewayOptions {
  nodes: readonly number[]
  paths: readonly Path[]
  ways: readonly Way[]
  /** Messages a second; those above 90 % of what the closed loop did are left out. */
  rates: readonly number[]
  load: LoadOptions
  progress: (measurement: Measurement) => void
  /** Hears of what is left out, and why. */
  skipped: (what: string) => void
}

export async function measureGateway(options: GatewayOptions): Promise<Measurement[]> {
  const { nodes, paths, ways, rates, load, progress, skipped } = options
  const measured: Measurement[] = []
  const show = (measurement: Measurement): void => {
    measured.push(measurement)
    progress(measurement)
  }
  for (const size of nodes) {
    for (const [path, way] of paths.flatMap(path => ways.map(way => [path, way] as const))) {
      const why = cannotGo(way, size)
      if (why !== undefined) {
        skipped(`${size} nodes, ${path}, ${way}: skipped, ${why}`)
        continue
      }
      const scenario = await Scenario.start({ nodes: size, path, way, load })
      try {
        const most = await scenario.measure(null)
        show(most)
        for (const rate of rates)
          if (rate <= 0.9 * most.acceptedPerSecond) show(await scenario.measure(rate))
      } finally {
        await scenario.stop()
      }
    }
  }
  return measured
}
