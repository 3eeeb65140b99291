import type { Suite } from './suite.js'

interface SuiteEntry {
  summary: string
  load(): Promise<Suite>
}

/**
 * All suites, in the order they are run in. Loaded when they are asked for: the `smpp` package, for one, is not there where a
 * node is installed.
 */
export const SUITES = {
  gateway: {
    summary: 'a cluster from outside: one node and three, every path, closed and open loop',
    load: async () => (await import('./gateway-suite.js')).gatewaySuite,
  },
  codec: {
    summary: 'decoding and encoding, beside the smpp package',
    load: async () => (await import('./codec-suite.js')).codecSuite,
  },
  framer: {
    summary: 'segments cut into PDUs, beside the smpp package',
    load: async () => (await import('./framer-suite.js')).framerSuite,
  },
  journal: {
    summary: 'the log on LevelDB by size of entry, and what a replica pays to apply each command',
    load: async () => (await import('./journal-suite.js')).journalSuite,
  },
  raft: {
    summary: 'three replicas in one process: in memory, on disk, over gRPC',
    load: async () => (await import('./raft-suite.js')).raftSuite,
  },
  sessions: {
    summary: 'memory and enquire_link of 10,000 idle sessions',
    load: async () => (await import('./sessions-suite.js')).sessionsSuite,
  },
  queue: {
    summary: 'throughput beside a deep queue, what it takes of memory, and who takes it over',
    load: async () => (await import('./queue-suite.js')).queueSuite,
  },
  failover: {
    summary: 'the leader killed again and again under load: how long nobody was answered',
    load: async () => (await import('./failover-suite.js')).failoverSuite,
  },
  memory: {
    summary: 'RSS of all nodes after many messages',
    load: async () => (await import('./memory-suite.js')).memorySuite,
  },
  hostile: {
    summary: 'what others see while peers mean harm',
    load: async () => (await import('./hostile-suite.js')).hostileSuite,
  },
  placement: {
    summary:
      'a hundred nodes and many groups on paper: what moves when nodes die and join (docs/scaling.md)',
    load: async () => (await import('./placement-suite.js')).placementSuite,
  },
} as const satisfies Record<string, SuiteEntry>

export type SuiteName = keyof typeof SUITES

export const SUITE_NAMES = Object.keys(SUITES) as SuiteName[]
