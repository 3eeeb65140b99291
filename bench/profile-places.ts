import type { CpuProfile, ProfileNode } from './profile.js'

/** Where a function of a profile lies, and what its time counts for. */
export interface Place {
  name: string
  /** `front/submits.js`; `native` for what has no file; '' for V8's own: `(program)`. */
  file: string
  /** Line in it, from 1; 0 for what has no file. */
  line: number
  group: string
}

/**
 * The place of each node by its id. What has no file of its own (a native function), and what serves whoever calls it
 * (`src/base`, node's buffers), counts for the caller. So does what of the journal runs below `applyEntry` or a flush of the
 * state, whatever its file: decoding a command there is a part of applying it.
 */
export function placesOf({ nodes }: CpuProfile): Map<number, Place> {
  const places = new Map<number, Place>()
  const byId = new Map(nodes.map(node => [node.id, node]))
  const children = new Set(nodes.flatMap(node => node.children ?? []))
  const open: { node: ProfileNode; caller: string }[] = nodes
    .filter(({ id }) => !children.has(id))
    .map(node => ({ node, caller: NATIVE }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const place = placeOf(next.node, next.caller)
    places.set(next.node.id, place)
    for (const id of next.node.children ?? []) {
      const node = byId.get(id)
      if (node !== undefined) open.push({ node, caller: place.group })
    }
  }
  return places
}

const NATIVE = 'native and V8'

/** Parts of the journal that are told apart by who calls. */
const APPLY = 'apply'
const FLUSH = 'state flush'
const LOAD = 'load of the bench'

function placeOf({ callFrame }: ProfileNode, caller: string): Place {
  const { functionName, url, lineNumber } = callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') {
    const file = name.startsWith('(') && name !== '(anonymous)' ? '' : 'native'
    return { name, file, line: 0, group: WITHOUT_FILE[name] ?? caller }
  }
  const file = shortPath(url)
  return { name, file, line: lineNumber + 1, group: groupOf(url, file, name, caller) }
}

/** What has no file, by its name; all else counts for its caller. */
const WITHOUT_FILE: Readonly<Record<string, string>> = {
  '(idle)': 'idle',
  '(garbage collector)': 'gc',
  '(program)': NATIVE,
  '(root)': NATIVE,
  writev: 'sockets',
  writeBuffer: 'sockets',
  writeUtf8String: 'sockets',
  writeLatin1String: 'sockets',
}

function groupOf(url: string, file: string, name: string, caller: string): string {
  if (url.startsWith('node:'))
    return NODE.find(([pattern]) => pattern.test(url))?.[1] ?? (SERVES.test(url) ? caller : 'node')
  const library = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (library !== undefined)
    return LIBRARIES.find(([pattern]) => pattern.test(library))?.[1] ?? library
  if (file.startsWith('base/')) return caller
  // what the bench makes its load of is no cost of what it measures
  if (file === 'bench/journal/synthetic-log.js' || caller === LOAD) return LOAD
  if (file.startsWith('journal/')) {
    if (name === 'applyEntry' || caller === APPLY) return APPLY
    if (file === 'journal/state-store.js' || caller === FLUSH) return FLUSH
  }
  return (
    FILES.find(([pattern]) => pattern.test(file))?.[1] ?? /^([a-z]+)\//.exec(file)?.[1] ?? NATIVE
  )
}

const NODE: readonly [RegExp, string][] = [
  [/internal\/http2|node:http2/, 'grpc'],
  [/node:(net|stream)|node:internal\/(streams?|js_stream|stream_base)/, 'sockets'],
  [/node:(internal\/)?(timers|priority_queue|linkedlist)/, 'timers'],
]
/** Of node's own: what works for whoever calls it. */
const SERVES = /node:(internal\/)?buffer/

const LIBRARIES: readonly [RegExp, string][] = [
  [/^@coaty\/consensus/, 'raft'],
  [/^(level|classic-level|abstract-level|module-error|level-supports)$/, 'leveldb'],
  [/^@grpc\//, 'grpc'],
  [/^prom-client$/, 'metrics'],
]

/** Ours that do not count for the room that they lie in. First match. */
const FILES: readonly [RegExp, string][] = [
  [/^smpp\/(session|session-state|operation-matrix)\.js/, 'session'],
  [/^smpp\//, 'codec'],
  [
    /^journal\/(accept-record|command-codec|entry|open-proposals|pack|packed-command|proposer|submit-gather)\.js/,
    'journal encode',
  ],
  [/^journal\/(apply|block|message-life|state-hash)/, APPLY],
  [/^cluster\/log\//, 'leveldb'],
  [/^cluster\/transport\//, 'grpc'],
  [/^cluster\//, 'raft'],
  [/^telemetry\//, 'metrics'],
]

/** `journal/apply.js` of ours, `node:net`, and `msgpackr/pack.js` of a library. */
function shortPath(url: string): string {
  const path = url.replace(/^file:\/\//, '')
  const library = /.*node_modules\/(.*)$/.exec(path)?.[1]
  return library ?? /\/build[^/]*\/(?:src\/)?(.*)$/.exec(path)?.[1] ?? path
}
