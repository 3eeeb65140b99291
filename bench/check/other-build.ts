import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const OUTPUT_MAX = 64 * 2 ** 20

/** The whole hash of a commit, and the day it was made (ISO 8601). Rejects where there is no such commit. */
export async function commitOf(root: string, name: string): Promise<{ hash: string; at: string }> {
  const args = ['log', '-1', '--format=%H %cI', `${name}^{commit}`, '--']
  const { stdout } = await run('git', args, { cwd: root })
  const [hash = '', at = ''] = stdout.trim().split(' ')
  return { hash, at }
}

/** Files differ from the commit that is checked out. */
export async function hasChanges(root: string): Promise<boolean> {
  const { stdout } = await run('git', ['status', '--porcelain', '--', 'src', 'cluster'], {
    cwd: root,
  })
  return stdout.trim() !== ''
}

/**
 * Builds a commit in `directory`, beside this checkout and without touching it. Packages are this checkout's where
 * both want the same ones, else they are installed.
 *
 * @returns its program, as `ProcessCluster` takes it
 */
export async function buildCommit(root: string, commit: string, directory: string): Promise<URL> {
  const archive = join(directory, 'source.tar')
  await run('git', ['archive', '--output', archive, commit], { cwd: root })
  await run('tar', ['-xf', archive, '-C', directory])
  const lock = (at: string): Promise<string> => readFile(join(at, 'package-lock.json'), 'utf8')
  if ((await lock(root)) === (await lock(directory)))
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  else
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory, maxBuffer: OUTPUT_MAX })
  const tsc = join(directory, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', '.'], { cwd: directory, maxBuffer: OUTPUT_MAX })
  return pathToFileURL(join(directory, 'build/src/main.js'))
}
