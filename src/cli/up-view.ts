import type { Io } from './io.js'
import { tableText } from './table.js'
import type { Glimpse } from './watch.js'

/** The live block of `up`: a line for each node, and one for all. `last` gives the rates. */
export function liveText(
  now: readonly Glimpse[],
  last: readonly Glimpse[],
  elapsedMs: number,
  paint: Io['paint'],
): string {
  const before = new Map(last.map(glimpse => [glimpse.id, glimpse]))
  const perSecond = (node: Glimpse, key: 'accepted' | 'sent'): number => {
    const gained = node[key] - (before.get(node.id)?.[key] ?? node[key])
    return gained > 0 && elapsedMs > 0 ? Math.round((gained * 1000) / elapsedMs) : 0
  }
  const total = (key: 'accepted' | 'sent'): number =>
    now.reduce((sum, node) => sum + perSecond(node, key), 0)
  const lines = tableText(
    now,
    {
      node: node => node.id,
      role: node => roleText(node, paint),
      term: node => node.cluster?.term ?? null,
      applied: node => node.cluster?.appliedIndex ?? null,
      sessions: node => (node.cluster === undefined ? null : node.sessions),
      'accepted/s': node => perSecond(node, 'accepted'),
      'sent/s': node => perSecond(node, 'sent'),
    },
    paint,
  )
  const view = now.find(node => node.cluster !== undefined)?.cluster
  const waiting =
    view === undefined
      ? ''
      : ` · queued ${view.queued} · in flight ${view.inFlight} · receipts queued ${view.receiptsQueued}`
  return `${lines}\naccepted ${total('accepted')}/s · sent ${total('sent')}/s${waiting}`
}

/** What changed between two looks, as plain lines: `leader: node 2 (term 3)`. */
export function changeLines(now: readonly Glimpse[], last: readonly Glimpse[]): string[] {
  const before = new Map(last.map(glimpse => [glimpse.id, glimpse]))
  const lines = now.flatMap(node => {
    const was = before.get(node.id)?.ready ?? false
    if (node.ready === was) return []
    return [`node ${node.id} is ${node.ready ? 'ready' : 'not ready'}`]
  })
  const leader = leaderOf(now)
  const earlier = leaderOf(last)
  if (leader?.id !== earlier?.id) {
    lines.push(
      leader === undefined ? 'no leader' : `leader: node ${leader.id} (term ${leader.term})`,
    )
  }
  return lines
}

/** The leader by the highest term that any node speaks of. */
export function leaderOf(nodes: readonly Glimpse[]): { id: number; term: number } | undefined {
  let found: { id: number; term: number } | undefined
  for (const { cluster } of nodes) {
    if (cluster?.leader == null) continue
    if (found === undefined || cluster.term > found.term) {
      found = { id: cluster.leader, term: cluster.term }
    }
  }
  return found
}

function roleText(node: Glimpse, paint: Io['paint']): string {
  const { cluster } = node
  if (cluster === undefined) return paint.red('does not answer')
  if (cluster.leader === node.id) return paint.green('leader')
  const role = cluster.leader === null ? paint.yellow('no leader') : 'follower'
  return node.ready ? role : `${role}, ${paint.yellow('not ready')}`
}

/** Keeps a block of lines at the foot of a terminal, and lets other lines scroll above it. */
export class LiveBlock {
  private readonly write: (text: string) => void
  private shown: string[] = []

  constructor(write: (text: string) => void) {
    this.write = write
  }

  /** A line that stays. */
  above(line: string): void {
    const block = this.shown
    this.write(`${this.erased()}${line}\n`)
    this.shown = []
    if (block.length > 0) this.show(block.join('\n'))
  }

  /** Puts `text` in place of the block. Longer lines than the terminal are cut, or the count would be wrong. */
  show(text: string, columns = process.stdout.columns || 80): void {
    const lines = text.split('\n').map(line => cut(line, columns - 1))
    this.write(`${this.erased()}${lines.join('\n')}\n`)
    this.shown = lines
  }

  private erased(): string {
    return this.shown.length > 0 ? `\x1b[${this.shown.length}A\x1b[0J` : ''
  }
}

/** Cuts at `columns` visible characters; colour codes take no room. */
function cut(line: string, columns: number): string {
  let visible = 0
  let result = ''
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) {
      result += part
    } else {
      result += part.slice(0, Math.max(0, columns - visible))
      visible += part.length
    }
  }
  return result
}
