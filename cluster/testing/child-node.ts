// One node as a process of its own, for tests that kill processes. Driven over IPC by kill.e2e.test.ts.

import type { Member } from '../types.js'
import { optionsOf, startNode } from './e2e.js'

export type ToChild = { kind: 'propose'; text: string } | { kind: 'status' } | { kind: 'texts' }
export type FromChild =
  | { kind: 'ready' }
  | { kind: 'applied'; text: string }
  | { kind: 'texts'; texts: string[] }
  | { kind: 'status'; leader: number | null; applied: number; hash: number }

const [id, directory, members] = process.argv.slice(2) as [string, string, string]
const say = (message: FromChild): boolean | undefined => process.send?.(message)
const open = new Set<string>()

const { group, machine, listener } = await startNode(
  optionsOf(Number(id), JSON.parse(members) as Member[], directory),
)
machine.onApply = (_index, text) => {
  if (open.delete(text)) say({ kind: 'applied', text })
}
listener.onLeader = leader => {
  if (leader !== null) for (const text of open) group.propose(Buffer.from(text))
}
listener.onFatal = error => {
  throw error
}
process.on('message', (message: ToChild) => {
  if (message.kind === 'propose') {
    open.add(message.text)
    group.propose(Buffer.from(message.text))
    return
  }
  if (message.kind === 'texts') {
    say({ kind: 'texts', texts: machine.entries.map(({ text }) => text) })
    return
  }
  const { leader, appliedIndex } = group.status()
  say({ kind: 'status', leader, applied: appliedIndex, hash: machine.hash })
})
process.on('disconnect', () => process.exit())
say({ kind: 'ready' })
