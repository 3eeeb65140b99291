import { loadOf } from '../flags.js'
import { GROWTH_MAX, measureMemory } from '../memory.js'
import { memoryText } from '../report.js'
import type { Suite } from './suite.js'

export const memorySuite: Suite = async ({ flags, note }) => {
  const figures = await measureMemory({
    nodes: Math.max(...flags.nodes),
    counts: flags.memoryCounts,
    load: loadOf(flags),
    progress: note,
  })
  const { growth } = figures
  const problems = growth > GROWTH_MAX ? [`memory grew × ${growth}`] : []
  return { figures, text: memoryText(figures), problems }
}
