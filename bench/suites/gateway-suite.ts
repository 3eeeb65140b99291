import { loadOf } from '../flags.js'
import { profileGateway } from '../gateway-profile.js'
import { measureGateway } from '../gateway.js'
import type { Measurement, Way } from '../load.js'
import { measurementsText, profileText, type NodeProfile } from '../report.js'
import type { Suite } from './suite.js'

/** With `--profile` the run with the profiler alone; with `--no-profile` all but it. */
export const gatewaySuite: Suite = async ({ flags, note }) => {
  const load = loadOf(flags)
  const ways: Way[] = ['tcp', ...(flags.tls ? ['tls' as const] : [])]
  if (flags.haproxy) ways.push('haproxy')
  const skipped: string[] = []
  const measurements =
    flags.profile === true
      ? []
      : await measureGateway({
          ...flags,
          ...{ ways, load },
          progress: one => note(measurementsText([one])),
          skipped: what => skipped.push(what),
        })
  const profile = flags.profile === false ? null : await profiled()
  const problems = measurements.flatMap(problemsOf)
  const text = textOf(measurements, skipped, profile)
  return { figures: { measurements, skipped, profile }, text, problems }

  /** The largest cluster, on the path to the SMSC where that is asked for. */
  async function profiled(): Promise<NodeProfile> {
    const nodes = Math.max(...flags.nodes)
    const path = flags.paths.includes('dispatch') ? 'dispatch' : flags.paths[0]!
    return profileGateway({ nodes, path, load, results: flags.results })
  }
}

function problemsOf({ nodes, path, way, rate, problems }: Measurement): string[] {
  return problems.map(what => `${nodes} nodes, ${path}, ${way}, ${rate ?? 'closed loop'}: ${what}`)
}

function textOf(
  measurements: readonly Measurement[],
  skipped: readonly string[],
  profile: NodeProfile | null,
): string {
  const parts = [
    measurementsText(measurements),
    skipped.join('\n'),
    profile === null ? '' : profileText(profile),
  ]
  return parts.filter(part => part !== '').join('\n\n')
}
