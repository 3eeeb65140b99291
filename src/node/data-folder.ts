import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openLevelStore } from '../../cluster/index.js'
import type { KeyValueStore, StoreFolder } from '../base/store.js'
import type { NodeFolder } from './machine.js'

const BOOT_FILE = 'boot'
/** The applied state is written now and then, and less of it than the log: a quarter of the log's buffer does. */
const STATE_WRITE_BUFFER_BYTES = 4 * 1024 * 1024

/** A node's data directory: one LevelDB for each store, and the file that counts boots. */
export async function openDataFolder(path: string): Promise<NodeFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  return { stores: new LevelFolder(path), nextBoot: above => nextBoot(path, above) }
}

class LevelFolder implements StoreFolder {
  private readonly path: string

  constructor(path: string) {
    this.path = path
  }

  async open(name: string): Promise<KeyValueStore> {
    const options = { writeBufferBytes: STATE_WRITE_BUFFER_BYTES }
    const store = await openLevelStore(join(this.path, name), options).catch((error: unknown) => {
      throw new Error(`${this.path} cannot be used: ${whyNot(error)}`, { cause: error })
    })
    await syncDirectory(this.path)
    return store
  }

  async exists(name: string): Promise<boolean> {
    return stat(join(this.path, name)).then(
      () => true,
      () => false,
    )
  }

  async destroy(name: string): Promise<void> {
    await rm(join(this.path, name), { recursive: true, force: true })
    await syncDirectory(this.path)
  }
}

/** Written beside, synced, and put in its place: a crash leaves the old count or the new one. */
async function nextBoot(path: string, above: number): Promise<number> {
  const file = join(path, BOOT_FILE)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '0\n'
    throw error
  })
  if (!/^\d{1,10}\n$/.test(text))
    throw new Error(`${file} is damaged: delete it, the cluster remembers the last boot`)
  const boot = Math.max(Number(text), above) + 1
  const beside = await open(`${file}.new`, 'w', 0o600)
  try {
    await beside.writeFile(`${boot}\n`)
    await beside.sync()
  } finally {
    await beside.close()
  }
  await rename(`${file}.new`, file)
  await syncDirectory(path)
  return boot
}

/** Names are on disk when their directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** What LevelDB says stands in the cause. */
function whyNot(error: unknown): string {
  const { cause, message } = error as Error
  if ((cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED')
    return 'another process uses it'
  return cause instanceof Error ? cause.message : message
}
