import type { Measurement, Path } from '../load.js'
import { spread, type Spread } from '../peers/ratios.js'

/** What two builds did in one round, one after the other. */
export interface Pair {
  before: Pick<Measurement, 'acceptedPerSecond' | 'cpuUsPerMessage'>
  now: Pick<Measurement, 'acceptedPerSecond' | 'cpuUsPerMessage'>
}

/** Ratios are now ÷ before, each of one round. */
export interface PathVerdict {
  path: Path
  /** Medians of this build. */
  perSecond: number
  cpuUs: number
  throughput: Spread
  cpu: Spread
  /** Why it counts as slower; empty where it does not. */
  slower: string
}

/** A median worse than this in either figure, and every round worse than before, is no accident. */
const THROUGHPUT_LEAST = 0.9
const CPU_MOST = 1.1

/** @param pairs  one or more */
export function judge(path: Path, pairs: readonly Pair[]): PathVerdict {
  const of = (value: (pair: Pair) => number): Spread => {
    const found = spread(pairs.map(value))
    if (found === undefined) throw new Error(`no round of ${path} was measured`)
    return found
  }
  const throughput = of(({ now, before }) => now.acceptedPerSecond / before.acceptedPerSecond)
  const cpu = of(({ now, before }) => now.cpuUsPerMessage / before.cpuUsPerMessage)
  const slower: string[] = []
  if (throughput.median < THROUGHPUT_LEAST && throughput.max < 1)
    slower.push(`${percent(1 - throughput.median)} fewer messages a second`)
  if (cpu.median > CPU_MOST && cpu.min > 1)
    slower.push(`${percent(cpu.median - 1)} more CPU a message`)
  return {
    path,
    perSecond: of(({ now }) => now.acceptedPerSecond).median,
    cpuUs: of(({ now }) => now.cpuUsPerMessage).median,
    throughput,
    cpu,
    slower: slower.join(', '),
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
