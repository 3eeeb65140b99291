import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'

/** A port that something needs. */
export interface NeededPort {
  port: number
  /** `SMPP of node 1` */
  purpose: string
}

/** Sentences for the ports of 127.0.0.1 that are not free; each names its holder where it can. */
export async function takenPorts(needed: readonly NeededPort[]): Promise<string[]> {
  const found: string[] = []
  for (const { port, purpose } of needed) {
    const code = await tryListen(port)
    if (code === undefined) continue
    const holder = code === 'EADDRINUSE' ? holderOf(port) : undefined
    const by = holder === undefined ? '' : ` by process ${holder.pid} (${holder.command})`
    found.push(`port ${port} (${purpose}) is ${code === 'EADDRINUSE' ? 'taken' : code}${by}`)
  }
  return found
}

/** The error's code, or undefined where the port is free. */
function tryListen(port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(undefined)))
  })
}

/** The process that listens on a port, as far as /proc shows it to this user. */
function holderOf(port: number): { pid: number; command: string } | undefined {
  try {
    const inodes = new Set([
      ...listeners('/proc/net/tcp', port),
      ...listeners('/proc/net/tcp6', port),
    ])
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || !holds(name, inodes)) continue
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ').trim()
      return {
        pid: Number(name),
        command: command.length > 80 ? `${command.slice(0, 79)}…` : command,
      }
    }
  } catch {
    // not Linux
  }
  return undefined
}

/** Inodes of listening sockets. Source: proc(5), /proc/net/tcp: local address, state 0A, inode. */
function listeners(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(table, 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .map(fields => fields[9] ?? '')
}

function holds(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${pid}/fd/${fd}`)) ?? []
      return inode !== undefined && inodes.has(inode)
    })
  } catch {
    return false // another user's, or gone meanwhile
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
