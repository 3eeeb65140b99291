import { mkdtemp, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_GROUP_SETTINGS } from '../../cluster/group-context.js'
import { openLevelStore } from '../../cluster/log/level-store.js'
import type { WriteBatch } from '../../src/base/store.js'
import type { InsideFaults } from '../drill.js'

/**
 * Preloaded (`node --import`) into the nodes of drills that need a wrong clock, a slow disk or a
 * short log. Orders lie beside the node file, in NODE_FILE.faults; read at the start, and again at
 * every SIGUSR2. The product knows nothing of it.
 */
const file = `${process.argv.find((_, i, all) => all[i - 1] === '--config') ?? ''}.faults`
let faults: InsideFaults = {}

function read(): void {
  try {
    faults = JSON.parse(readFileSync(file, 'utf8')) as InsideFaults
  } catch {
    faults = {}
  }
}

read()
process.on('SIGUSR2', read)

const now = Date.now.bind(Date)
Date.now = () => now() + (faults.clockOffsetMs ?? 0)

if (faults.keepEntries !== undefined) DEFAULT_GROUP_SETTINGS.keepEntries = faults.keepEntries

// The class of LevelDB's batches is nobody else's business; an empty store shows one.
const directory = await mkdtemp(join(tmpdir(), 'carillon-drill-'))
const store = await openLevelStore(directory)
const batches: unknown = Object.getPrototypeOf(store.batch())
if (!isBatch(batches)) throw new Error('LevelDB batches look different')
const write = batches.write
batches.write = async function (this: WriteBatch, options) {
  const delayMs = options.sync ? (faults.diskDelayMs ?? 0) : 0
  if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs))
  await write.call(this, options)
}
await store.close()
await rm(directory, { recursive: true, force: true })

/** What all batches inherit. */
interface Batches {
  write: (this: WriteBatch, options: { sync: boolean }) => Promise<void>
}

function isBatch(value: unknown): value is Batches {
  return typeof (value as Partial<Batches> | null)?.write === 'function'
}
