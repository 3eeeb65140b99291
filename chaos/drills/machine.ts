import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '../../src/testing/wait-for.js'
import type { Drill } from '../drill.js'

const run = promisify(execFile)
/** The node whose disk is small. */
const SMALL = 3
const SMALL_DISK = '256m'

export const MACHINE: readonly Drill[] = [
  {
    name: 'calm',
    summary: 'nothing is broken, for six seconds: which gaps this machine makes by itself',
    run: async scene => {
      await scene.fault({
        what: 'nothing is broken',
        nodes: [],
        effectMs: 6_000,
        act: () => undefined,
        recovery: 'nothing was broken',
        recover: () => undefined,
      })
    },
  },
  {
    name: 'slow-disk',
    summary:
      'every synced write of the leader takes 700 ms longer, for ten seconds: more than an election timeout',
    says: ['the disk is slowed inside the node, by a preload that delays LevelDB’s batches'],
    setup: { inside: {} },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await scene.fault({
        what: `the disk of node ${leader.id}, the leader, takes 700 ms longer for each write`,
        nodes: [leader],
        effectMs: 10_000,
        electsAfter: term,
        act: () => scene.inside(leader, { diskDelayMs: 700 }),
        recovery: `the disk of node ${leader.id} is well again`,
        recover: () => scene.inside(leader, {}),
      })
    },
  },
  {
    name: 'full-disk',
    summary: `the disk of node ${SMALL} runs full: it stops; it is started again when there is room`,
    says: [`data of node ${SMALL} lies on a tmpfs of ${SMALL_DISK}`],
    cannotRun: async () => {
      if (process.getuid?.() !== 0) return 'needs root, to mount a small file system'
      const probe = `/tmp/carillon-mount-${process.pid}`
      mkdirSync(probe, { recursive: true })
      try {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe])
        await run('umount', [probe])
        return undefined
      } catch {
        return 'a small file system cannot be mounted here'
      } finally {
        rmSync(probe, { recursive: true, force: true })
      }
    },
    setup: {
      before: async (cluster, onEnd) => {
        const data = join(cluster.directory, `data-${SMALL}`)
        mkdirSync(data, { recursive: true })
        await run('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK}`, 'tmpfs', data])
        onEnd(async () => {
          await cluster.stop({ deadlineMs: 3_000 })
          await run('umount', [data])
        })
        return undefined
      },
    },
    run: async scene => {
      const node = scene.cluster.node(SMALL)
      const data = join(scene.cluster.directory, `data-${SMALL}`)
      const ballast = join(data, 'ballast')
      await scene.fault({
        what: `the disk of node ${SMALL} is full`,
        nodes: [node],
        effectMs: 1_000,
        act: async () => {
          fill(data, ballast)
          await waitFor(`node ${SMALL} stops`, () => !node.isRunning, { timeoutMs: 60_000 })
        },
        recovery: `there is room again, and node ${SMALL} is started`,
        recover: () => {
          rmSync(ballast)
          return node.start()
        },
      })
    },
  },
  {
    name: 'clock-jump',
    summary:
      "the leader's clock jumps an hour ahead for ten seconds, then back; nothing expires, and it hands its offices away",
    says: ['the clock is wrong inside the node only, by a preload'],
    setup: { inside: {} },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await scene.fault({
        what: `the clock of node ${leader.id}, the leader, jumps an hour ahead`,
        nodes: [leader],
        effectMs: 10_000,
        electsAfter: term,
        act: () => scene.inside(leader, { clockOffsetMs: 3_600_000 }),
        recovery: `the clock of node ${leader.id} is right again`,
        recover: () => scene.inside(leader, {}),
      })
    },
  },
]

/** Leaves no room: in large steps, then in small ones. */
function fill(directory: string, file: string): void {
  for (const octets of [1 << 22, 1 << 16, 4_096]) {
    for (;;) {
      const { bavail, bsize } = statfsSync(directory)
      if (bavail * bsize < octets) break
      try {
        writeFileSync(file, Buffer.alloc(octets, 1), { flag: 'a' })
      } catch {
        break // ENOSPC: somebody else was faster
      }
    }
  }
}
