import { createInterface } from 'node:readline'
import { CommandFailed, EXIT } from '../src/cli/failure.js'
import type { Io } from '../src/cli/io.js'
import { ConfigError } from '../src/config/file-error.js'
import type { Drill } from './drill.js'
import { LiveCluster } from './live-cluster.js'
import { LiveSmsc } from './live-smsc.js'
import { loadNodesFile, type NodeEntry, type NodesFile } from './nodes-file.js'

/** Asks the person at the terminal; resolves with the line. */
export type Ask = (question: string) => Promise<string>

/** Undefined where there is nobody to ask. */
export function terminalAsk(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return question =>
    new Promise(resolve => {
      const lines = createInterface({ input: process.stdin, output: process.stderr })
      lines.once('close', () => resolve('')) // Ctrl-C, Ctrl-D
      lines.question(question, line => {
        resolve(line)
        lines.close()
      })
    })
}

/**
 * Reads nodes.yaml, looks at the cluster, and asks whether it may be broken: before anything is sent.
 *
 * @param ask  undefined: there is no terminal
 * @throws CommandFailed with the remedy
 */
export async function openLive(
  options: { cluster: string; yes: boolean },
  drills: readonly Drill[],
  { io, ask }: { io: Io; ask: Ask | undefined },
): Promise<NodesFile> {
  const file = readFile(options.cluster)
  const possible = drills.filter(drill => cannotRunOn(drill, file) === undefined)
  if (possible.length === 0) return file // each says `not run`, and why
  const problems = await new LiveCluster(file, file.directory).problems()
  if (file.smsc !== null) problems.push(...(await smscProblems(file.smsc)))
  if (problems.length > 0) {
    const list = problems.map(problem => `  ${problem}`).join('\n')
    throw new CommandFailed(EXIT.unreachable, `${file.file}: no drill can begin here\n${list}`)
  }
  const names = possible.map(({ name }) => name).join(', ')
  const nodes = file.nodes.map(({ id, http }) => `node ${id} at ${http}`).join(', ')
  const what = `${names}: breaks a running cluster on purpose (${nodes})`
  if (options.yes) return file
  if (ask === undefined) {
    throw new CommandFailed(EXIT.usage, `${what}; without a terminal to ask at, give --yes`)
  }
  io.note(what)
  const answer = (await ask('Go on? [y/N] ')).trim().toLowerCase()
  if (answer === 'y' || answer === 'yes') return file
  throw new CommandFailed(EXIT.negative, 'nothing was done')
}

/** Why a drill cannot be made on a running cluster; undefined: it can. */
export function cannotRunOn(drill: Drill, file: NodesFile): string | undefined {
  const { setup = {}, needs = [] } = drill
  if (setup.breaks !== undefined) {
    return 'needs a network that is its own to break, which a running cluster has not'
  }
  if (setup.inside !== undefined) {
    return 'needs a preload inside the nodes, which a running cluster has not'
  }
  if (Object.keys(setup).length > 0) return 'needs a cluster that is set up for it'
  if (needs.includes('smsc') && file.smsc === null) {
    return 'breaks the SMSC, which must be our simulator: give smsc, its status port'
  }
  for (const need of needs) {
    if (need === 'smsc') continue
    const { can, keys } = WAYS[need]
    const without = file.nodes.filter(node => !can(node)).map(({ id }) => id)
    if (without.length > 0) return `node ${without.join(', ')} cannot be broken so: give ${keys}`
  }
  return undefined
}

type Way = Exclude<NonNullable<Drill['needs']>[number], 'smsc'>

const WAYS: Record<Way, { can: (node: NodeEntry) => boolean; keys: string }> = {
  kill: {
    can: node => (node.pidFile ?? node.kill) !== null && node.start !== null,
    keys: 'pidFile or kill, and start',
  },
  stop: {
    can: node => (node.pidFile ?? node.stop) !== null && node.start !== null,
    keys: 'pidFile or stop, and start',
  },
  pause: {
    can: node => (node.pidFile ?? node.pause) !== null,
    keys: 'pidFile, or pause and continue',
  },
}

function readFile(path: string): NodesFile {
  try {
    return loadNodesFile(path)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CommandFailed(EXIT.usage, error.message, { cause: error })
  }
}

async function smscProblems(url: string): Promise<string[]> {
  try {
    await (await LiveSmsc.find(url)).stop()
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}
