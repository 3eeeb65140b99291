import type { LoadOptions, Measurement, Path } from './load.js'
import { Scenario } from './scenario.js'

/** The gateway from outside: clusters of these sizes, on these paths, closed loop and at these rates. */
export interface GatewayOptions {
  nodes: readonly number[]
  paths: readonly Path[]
  /** Messages a second; those above 90 % of what the closed loop did are left out. */
  rates: readonly number[]
  load: LoadOptions
  progress: (measurement: Measurement) => void
}

export async function measureGateway(options: GatewayOptions): Promise<Measurement[]> {
  const { nodes, paths, rates, load, progress } = options
  const measured: Measurement[] = []
  const show = (measurement: Measurement): void => {
    measured.push(measurement)
    progress(measurement)
  }
  for (const size of nodes) {
    for (const path of paths) {
      const scenario = await Scenario.start({ nodes: size, path, load })
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
