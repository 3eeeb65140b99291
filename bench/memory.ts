import { grouped } from '../src/tools/units.js'
import type { LoadOptions } from './load.js'
import type { MemoryReport } from './report.js'
import { Scenario } from './scenario.js'

/** RSS after the most messages over RSS after the fewest: beyond it memory is not bounded. */
export const GROWTH_MAX = 1.2

export interface MemoryOptions {
  nodes: number
  /** After how many messages, receipts too, it is read. */
  counts: readonly number[]
  load: LoadOptions
  progress: (text: string) => void
}

export async function measureMemory(options: MemoryOptions): Promise<MemoryReport> {
  const { nodes, counts, load, progress } = options
  const scenario = await Scenario.start({ nodes, path: 'receipts', load })
  const points: MemoryReport['points'] = []
  try {
    let through = 0
    for (const messages of counts.toSorted((a, b) => a - b)) {
      const report = await scenario.pass(messages - through)
      through = messages
      const rssMiB = await settledRss(scenario.cluster.nodes)
      points.push({ messages, rssMiB, acceptedPerSecond: report.throughput })
      progress(`${grouped(messages)} through: RSS ${rssMiB.join(', ')} MiB`)
    }
  } finally {
    await scenario.stop()
  }
  const sums = points.map(({ rssMiB }) => rssMiB.reduce((a, b) => a + b, 0))
  const growth = Math.round(((sums.at(-1) ?? 0) * 100) / Math.max(1, sums[0] ?? 0)) / 100
  return { nodes, points, growth }
}

/** The median of each node's RSS over a rest of `restMs`, MiB. */
export async function settledRss(
  nodes: readonly { rssOctets: number }[],
  restMs = 5_500,
): Promise<number[]> {
  const samples: number[][] = nodes.map(() => [])
  for (let i = 0; i < 11; i++) {
    nodes.forEach((node, n) => samples[n]!.push(node.rssOctets))
    await new Promise(resolve => setTimeout(resolve, restMs / 11))
  }
  return samples.map(sample => Math.round(sample.toSorted((a, b) => a - b)[5]! / 2 ** 20))
}
