import { loadOf } from '../flags.js'
import { profileGateway } from '../gateway-profile.js'
import { measureGateway } from '../gateway.js'
import type { Measurement } from '../load.js'
import { measurementsText, profileText, type NodeProfile } from '../report.js'
import type { Suite } from './suite.js'

/** With `--profile` the run with the profiler alone; with `--no-profile` all but it. */
export const gatewaySuite: Suite = async ({ flags, note }) => {
  const load = loadOf(flags)
  const measurements =
    flags.profile === true
      ? []
      : await measureGateway({ ...flags, load, progress: one => note(measurementsText([one])) })
  const profile = flags.profile === false ? null : await profiled()
  const problems = measurements.flatMap(problemsOf)
  return { figures: { measurements, profile }, text: textOf(measurements, profile), problems }

  /** The largest cluster, on the path to the SMSC where that is asked for. */
  async function profiled(): Promise<NodeProfile> {
    const nodes = Math.max(...flags.nodes)
    const path = flags.paths.includes('dispatch') ? 'dispatch' : flags.paths[0]!
    return profileGateway({ nodes, path, load, results: flags.results })
  }
}

function problemsOf({ nodes, path, rate, problems }: Measurement): string[] {
  return problems.map(what => `${nodes} nodes, ${path}, ${rate ?? 'closed loop'}: ${what}`)
}

function textOf(measurements: readonly Measurement[], profile: NodeProfile | null): string {
  const parts = [measurementsText(measurements), profile === null ? '' : profileText(profile)]
  return parts.filter(part => part !== '').join('\n\n')
}
