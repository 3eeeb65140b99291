import { settledRss } from './memory.js'
import { spread, type Spread } from './peers/ratios.js'
import { QueueCluster, type Flow, type QueueLoad } from './queue-cluster.js'

/** A cluster with a deep queue, beside one with a shallow queue. */
export interface QueueRow {
  depth: number
  /** Depths that it began with, round by round. */
  depths: number[]
  deep: Flow[]
  shallow: Flow[]
  /** Deep ÷ shallow, of the same round: taken, sent, and the sum of both. Where more waits, more of the CPU goes to sending. */
  accepted: Spread
  dispatched: Spread
  both: Spread
  /** What each node's RSS grew by from the shallow depth to this one, MiB. */
  addedMiB: number[]
  /** From SIGKILL for the leader, which was the home, to the first message from the next home; null: a node by itself. */
  sendsAgainMs: number | null
  /** Until that node, started again, was ready. */
  readyAgainMs: number | null
}

export interface QueueOptions {
  nodes: number
  /** Ascending. */
  depths: readonly number[]
  shallow: number
  /** Of both, in turn: each second one begins with the other. */
  rounds: number
  load: QueueLoad
  note: (text: string) => void
}

/**
 * Throughput at a depth relative to that of a shallow queue: two clusters on one machine, measured in turn, so that both meet the
 * same machine and programs as warm. Taking and sending are measured together, so that the depth stays about what it is.
 */
export async function benchQueue(options: QueueOptions): Promise<QueueRow[]> {
  const { nodes, depths, shallow, load, note } = options
  const one = await QueueCluster.start(nodes, load)
  try {
    const other = await QueueCluster.start(nodes, load)
    try {
      note('both warm up')
      for (const cluster of [one, other]) {
        await cluster.stand(shallow)
        await cluster.flow()
      }
      await other.stand(shallow)
      const rssMiB = await settledRss(other.cluster.nodes)
      const rows: QueueRow[] = []
      for (const depth of depths) rows.push(await row(depth, one, other, rssMiB, options))
      return rows
    } finally {
      await other.stop()
    }
  } finally {
    await one.stop()
  }
}

async function row(
  depth: number,
  shallowOne: QueueCluster,
  deepOne: QueueCluster,
  rssBeforeMiB: readonly number[],
  { nodes, shallow: shallowDepth, rounds, note }: QueueOptions,
): Promise<QueueRow> {
  const deep: Flow[] = []
  const shallow: Flow[] = []
  const depths: number[] = []
  await deepOne.stand(depth)
  const rssMiB = await settledRss(deepOne.cluster.nodes)
  for (let round = 0; round < rounds; round++) {
    const measureDeep = async (): Promise<void> => {
      depths.push(await deepOne.stand(depth))
      deep.push(await deepOne.flow())
      await deepOne.stand(depth)
    }
    const measureShallow = async (): Promise<void> => {
      await shallowOne.stand(shallowDepth)
      shallow.push(await shallowOne.flow())
      await shallowOne.stand(shallowDepth)
    }
    const first = round % 2 === 0 ? measureShallow : measureDeep
    await first()
    await (first === measureDeep ? measureShallow : measureDeep)()
    note(`depth ${depth}, round ${round + 1}: ${flowText(deep)}; shallow: ${flowText(shallow)}`)
  }
  const { sendsAgainMs, readyAgainMs } =
    nodes === 1 ? { sendsAgainMs: null, readyAgainMs: null } : await deepOne.takeOver()
  const ratio = (of: (flow: Flow) => number): Spread =>
    spread(deep.map((flow, i) => of(flow) / Math.max(1, of(shallow[i]!))))!
  const addedMiB = rssMiB.map((mib, i) => mib - rssBeforeMiB[i]!)
  const ratios = {
    accepted: ratio(({ accepted }) => accepted),
    dispatched: ratio(({ dispatched }) => dispatched),
    both: ratio(({ accepted, dispatched }) => accepted + dispatched),
  }
  return { depth, depths, deep, shallow, ...ratios, addedMiB, sendsAgainMs, readyAgainMs }
}

function flowText(flows: readonly Flow[]): string {
  const { accepted, dispatched } = flows.at(-1)!
  return `${Math.round(accepted)}/s taken, ${dispatched}/s sent`
}
