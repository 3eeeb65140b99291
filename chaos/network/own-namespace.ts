import { execFile, spawn } from 'node:child_process'
import { existsSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Namespaces } from './choice.js'

const run = promisify(execFile)

/**
 * Whether this process is in a network namespace that `enterOwn` made, and never the machine's: whatever changes interfaces
 * or rules asks here first.
 */
export function isInOwn(): boolean {
  const outer = process.env[OUTER]
  const own = namespaceOf('self')
  return outer !== undefined && own !== undefined && own !== outer && own !== namespaceOf('1')
}

/** Runs `./carillon drill` with these arguments in a namespace of its own. @returns its exit status */
export function enterOwn(argv: readonly string[]): Promise<number> {
  return runInOwn([new URL('../../src/main.js', import.meta.url).pathname, 'drill', ...argv])
}

/**
 * Runs node, with these arguments, in a fresh network namespace without a name, which has no way out: the kernel removes it, and
 * all that is made in it, with the last process in it. The child has a session of its own, so that each signal that ends
 * drills reaches it once, and it ends with this process, however that ends.
 *
 * @param stdout  where it writes to: a descriptor of ours
 * @returns its exit status
 */
export async function runInOwn(args: readonly string[], stdout = 1): Promise<number> {
  const node = [process.execPath, ...process.execArgv, ...args]
  // Drills on loopback run there too, and a new namespace has it down.
  const within = ['unshare', '--net', '--', 'sh', '-ec', 'ip link set lo up; exec "$@"', 'sh']
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...within, ...node], {
    stdio: ['inherit', stdout, 'inherit'],
    detached: true,
    env: { ...process.env, [OUTER]: namespaceOf('self') },
  })
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of SIGNALS) process.on(signal, pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', code => resolve(code ?? KILLED))
    })
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass)
  }
}

/** Looks, in a namespace that is gone afterwards, what can be done here. */
export async function namespacesHere(): Promise<Namespaces> {
  if (process.platform !== 'linux') return none('they are Linux’s')
  if (process.getuid?.() !== 0) return none('needs root')
  const absent = PROGRAMS.filter(name => !isInstalled(name))
  if (absent.length > 0) return none(`${absent.join(', ')} not installed`)
  try {
    await run('unshare', ['--net', '--', 'sh', '-ec', PROBE])
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const said = (stderr ?? message).trim().split('\n').at(-1)
    return none(`they cannot be made here (${said ?? 'for no reason given'})`)
  }
  const netem = ['--net', '--', 'sh', '-ec', 'tc qdisc add dev lo root netem delay 1ms rate 1gbit']
  const delays = await run('unshare', netem).then(
    () => true,
    () => false,
  )
  return { missing: undefined, delays }
}

const none = (missing: string): Namespaces => ({ missing, delays: false })

/** What a drill will need of kernel and programs. */
const PROBE = `
ip link set lo up
ip link add name carillon type bridge
ip link add name node1 type veth peer name eth0
ip link set node1 gso_max_segs 1
iptables-restore -w 5 <<'RULES'
*filter
-A INPUT -s 10.77.0.1 -m statistic --mode random --probability 0.5 -j DROP
COMMIT
RULES
`
const PROGRAMS = ['ip', 'iptables-restore', 'nsenter', 'setpriv', 'unshare']

function isInstalled(program: string): boolean {
  const path = process.env['PATH'] ?? ''
  return path.split(':').some(directory => existsSync(join(directory, program)))
}

/** `net:[4026531840]`; undefined where it may not be known. Source: namespaces(7) */
function namespaceOf(process: 'self' | '1'): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/net`)
  } catch {
    return undefined
  }
}

/** Names the namespace of the process that made ours. */
const OUTER = 'CARILLON_DRILL_OUTER_NETNS'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** As a shell says it of SIGKILL. */
const KILLED = 137
