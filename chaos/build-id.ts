import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Build } from './evidence.js'

/** Of the program that runs; 50 ms or so. */
export function buildId(): Build {
  const built = fileURLToPath(new URL('..', import.meta.url))
  const hash = createHash('sha256')
  for (const room of ['src', 'cluster', 'chaos']) {
    for (const file of scriptsOf(join(built, room))) {
      hash.update(file).update('\0')
      hash.update(readFileSync(join(built, room, file)))
    }
  }
  return { commit: commitOf(join(built, '..')), hash: hash.digest('hex').slice(0, 12) }
}

/** Compiled JavaScript, in order; tests and simulations change nothing in what drills find. */
function scriptsOf(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js') && !/\.test\.js$|^sim\//.test(file))
    .sort()
}

function commitOf(root: string): string | null {
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=7', '--exclude=*']
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}
