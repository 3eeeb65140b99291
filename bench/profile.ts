import { readFileSync } from 'node:fs'

/** What V8 writes with --cpu-prof: what we read of it. */
export interface CpuProfile {
  nodes: ProfileNode[]
  samples: number[]
  /** µs before each sample. */
  timeDeltas: number[]
  /** When it began: µs of the clock that process.hrtime() reads too. */
  startTime: number
}

/** Of a profile, what lies between: µs by process.hrtime(). */
export interface Span {
  fromUs: number
  toUs: number
}

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string }
  children?: number[]
}

/** Shares of the main thread's busy time; idle time is left out. */
export interface ProfileSummary {
  busyMs: number
  idleMs: number
  groups: { group: string; share: number }[]
  top: { function: string; group: string; share: number }[]
}

/**
 * Self time by room or library, and the functions with the most of it. What runs natively and has
 * no file of its own counts for whoever called it, but for writes to sockets and garbage collection.
 */
export function summarise(
  profiles: readonly CpuProfile[],
  span: Span = { fromUs: 0, toUs: Infinity },
  topMax = 10,
): ProfileSummary {
  const byGroup = new Map<string, number>()
  const byFunction = new Map<string, { group: string; us: number }>()
  let idleUs = 0
  let busyUs = 0
  for (const profile of profiles) {
    const places = placesOf(profile)
    let atUs = profile.startTime
    for (const [i, id] of profile.samples.entries()) {
      const us = Math.max(0, profile.timeDeltas[i] ?? 0)
      atUs += us
      const place = places.get(id)
      if (place === undefined || atUs < span.fromUs || atUs >= span.toUs) continue
      if (place.name === '(idle)') {
        idleUs += us
        continue
      }
      busyUs += us
      byGroup.set(place.group, (byGroup.get(place.group) ?? 0) + us)
      const one = byFunction.get(place.label) ?? { group: place.group, us: 0 }
      one.us += us
      byFunction.set(place.label, one)
    }
  }
  const share = (us: number): number => (busyUs === 0 ? 0 : Math.round((us * 1000) / busyUs) / 1000)
  return {
    busyMs: Math.round(busyUs / 1000),
    idleMs: Math.round(idleUs / 1000),
    groups: [...byGroup]
      .sort(([, a], [, b]) => b - a)
      .map(([group, us]) => ({ group, share: share(us) })),
    top: [...byFunction]
      .sort(([, a], [, b]) => b.us - a.us)
      .slice(0, topMax)
      .map(([name, { group, us }]) => ({ function: name, group, share: share(us) })),
  }
}

export function readProfile(path: string): CpuProfile {
  return JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
}

interface Place {
  name: string
  /** `onSubmit (front/submits.js)` */
  label: string
  group: string
}

function placesOf({ nodes }: CpuProfile): Map<number, Place> {
  const parents = new Map<number, ProfileNode>()
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
  return new Map(nodes.map(node => [node.id, placeOf(node, parents)]))
}

function placeOf(node: ProfileNode, parents: Map<number, ProfileNode>): Place {
  const { functionName, url } = node.callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  const special = SPECIAL[name]
  if (special !== undefined && url === '') return { name, label: name, group: special }
  let from: ProfileNode | undefined = node
  while (from !== undefined && from.callFrame.url === '') from = parents.get(from.id)
  const source = from?.callFrame.url ?? ''
  const label = `${name} (${url === '' ? `native, from ${shortPath(source)}` : shortPath(url)})`
  return { name, label, group: groupOf(source) }
}

/** What has no file, by its name. */
const SPECIAL: Readonly<Record<string, string>> = {
  '(idle)': 'idle',
  '(garbage collector)': 'gc',
  '(program)': 'native and V8',
  writev: 'sockets',
  writeBuffer: 'sockets',
  writeUtf8String: 'sockets',
  writeLatin1String: 'sockets',
}

function groupOf(url: string): string {
  for (const [pattern, group] of GROUPS) if (pattern.test(url)) return group
  const room = /build[^/]*\/(?:src\/)?([a-z]+)\//.exec(url)?.[1]
  if (room !== undefined && !url.includes('node_modules')) return room
  const library = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  return library ?? 'native and V8'
}

const GROUPS: readonly [RegExp, string][] = [
  [/node_modules\/@coaty\/consensus/, 'engine'],
  [/node_modules\/(level|classic-level|abstract-level|module-error|level-supports)\//, 'leveldb'],
  [/cluster\/log\//, 'leveldb'],
  [/node_modules\/@grpc\//, 'grpc'],
  [/node:internal\/http2|node:http2/, 'grpc'],
  [/node:(net|stream|events|buffer)|node:internal\/(streams?|js_stream|stream_base)/, 'sockets'],
  [/^node:/, 'node'],
]

function shortPath(url: string): string {
  const path = url.replace(/^file:\/\//, '')
  const inside = /(?:build[^/]*\/(?:src\/)?|node_modules\/)(.*)$/.exec(path)
  return inside?.[1] ?? path
}
