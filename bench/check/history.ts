import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../machine.js'
import type { PathVerdict } from './verdict.js'

/** One comparison of two commits, as bench/history/ keeps it. */
export interface Entry {
  commit: string
  /** When the commit was made, ISO 8601. */
  committedAt: string
  /** The commit that it was compared with. */
  before: string
  machine: Machine
  settings: { rounds: number; durationMs: number; warmUpMs: number; nodes: number }
  paths: PathVerdict[]
}

/** All there are, oldest first by the time they were measured. */
export async function readHistory(directory: string): Promise<Entry[]> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch {
    return []
  }
  const entries: Entry[] = []
  for (const name of names.filter(name => name.endsWith('.json'))) {
    entries.push(JSON.parse(await readFile(join(directory, name), 'utf8')) as Entry)
  }
  return entries.sort((a, b) => a.machine.at.localeCompare(b.machine.at))
}

/** Replaces what there was of the same commit. */
export async function writeEntry(directory: string, entry: Entry): Promise<void> {
  await mkdir(directory, { recursive: true })
  const text = `${JSON.stringify(entry, null, 2)}\n`
  await writeFile(join(directory, `${entry.commit.slice(0, 12)}.json`), text)
}
