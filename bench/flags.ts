import type { LoadOptions, Path } from './load.js'
import type { SuiteName } from './suites/index.js'

/** What stands on the command line. */
export interface Flags {
  suite: SuiteName[]
  nodes: number[]
  paths: Path[]
  rates: number[]
  duration: number
  warmup: number
  sessions: number
  window: number
  octets: number
  /** true: only the run with the profiler; undefined: it too. */
  profile?: boolean
  tls: boolean
  haproxy: boolean
  codec: boolean
  hostile: boolean
  memory: boolean
  idle: number
  binds: number
  depths: number[]
  rounds: number
  kills: number
  memoryCounts: number[]
  results: string
  output: 'table' | 'json'
}

export function loadOf(flags: Flags): LoadOptions {
  const { sessions, window, octets } = flags
  return { durationMs: flags.duration, warmUpMs: flags.warmup, sessions, window, octets }
}
