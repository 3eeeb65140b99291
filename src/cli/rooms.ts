import { CommandFailed, EXIT } from './failure.js'

/** Commands that other rooms answer. Loaded when asked for: `status` need not wait for LevelDB. */
export const TOOLS = {
  'smsc-sim': {
    description: 'an SMSC that delays, refuses, forgets',
    load: () => import('../tools/smsc-sim-main.js'),
  },
  esme: {
    description: 'a load client that keeps books',
    load: () => import('../tools/esme-main.js'),
  },
  bench: {
    description: 'throughput and latency of one node and three',
    load: () => byName('bench', '../../bench/main.js'),
  },
  drill: {
    description: 'break a cluster on purpose, and count',
    load: () => byName('drill', '../../chaos/main.js'),
  },
} as const satisfies Record<string, Row>
export type Tool = keyof typeof TOOLS

export function isTool(word: string): word is Tool {
  return Object.hasOwn(TOOLS, word)
}

/** Runs a tool with its own arguments. Returns its exit status. */
export async function runTool(tool: Tool, argv: string[]): Promise<number> {
  const { main }: ToolModule = await TOOLS[tool].load()
  return main(argv)
}

/** Runs a node until it has stopped. Returns its exit status. */
export async function runNode(configFile: string): Promise<number> {
  const node = await import('../node/run.js')
  return node.runNode(configFile)
}

interface Row {
  description: string
  load: () => Promise<ToolModule>
}

interface ToolModule {
  main: (argv: string[]) => Promise<number>
}

/** For rooms that a build may lack. */
async function byName(command: string, module: string): Promise<ToolModule> {
  const url = new URL(module, import.meta.url).href
  try {
    return (await import(url)) as ToolModule
  } catch (error) {
    const { code, url: missing } = error as { code?: string; url?: string }
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing !== url) throw error
    throw new CommandFailed(EXIT.internal, `${command} is not part of this build (${module})`)
  }
}
