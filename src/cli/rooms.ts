import { CommandFailed, EXIT } from './failure.js'

/** Commands that other rooms answer. Loaded when asked for: `status` need not wait for LevelDB. */
export const TOOLS = {
  'smsc-sim': {
    module: '../tools/smsc-sim-main.js',
    description: 'an SMSC that delays, refuses, forgets',
  },
  esme: { module: '../tools/esme-main.js', description: 'a load client that keeps books' },
  bench: {
    module: '../../bench/main.js',
    description: 'throughput and latency of one node and three',
  },
  drill: { module: '../../chaos/main.js', description: 'break a cluster on purpose, and count' },
} as const
export type Tool = keyof typeof TOOLS

export function isTool(word: string): word is Tool {
  return Object.hasOwn(TOOLS, word)
}

/** Runs a tool with its own arguments. Returns its exit status. */
export async function runTool(tool: Tool, argv: string[]): Promise<number> {
  const { main } = (await load(tool, TOOLS[tool].module)) as ToolModule
  return main(argv)
}

/** Runs a node until it has stopped. Returns its exit status. */
export async function runNode(configFile: string): Promise<number> {
  const node = (await load('node', '../node/run.js')) as NodeModule
  return node.runNode(configFile)
}

interface ToolModule {
  main: (argv: string[]) => Promise<number>
}

interface NodeModule {
  runNode: (configFile: string) => Promise<number>
}

async function load(command: string, module: string): Promise<unknown> {
  const url = new URL(module, import.meta.url).href
  try {
    return await import(url)
  } catch (error) {
    const { code, url: missing } = error as { code?: string; url?: string }
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing !== url) throw error
    throw new CommandFailed(EXIT.internal, `${command} is not part of this build (${module})`)
  }
}
