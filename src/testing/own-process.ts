import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface OwnProcessOptions {
  /** For messages: `node 2`, `smsc-sim`. */
  name: string
  /** The compiled JavaScript that it runs, or the name of a program of others. */
  script: URL | string
  args: readonly string[]
  /** Of node itself: `--cpu-prof`. Default: those of ./carillon. */
  flags?: readonly string[]
  /** A program, with arguments, that becomes node under the same pid: `nsenter --net=FILE --`. */
  within?: readonly string[]
  /** stderr, and stdout unless `onLine` takes it, are appended here. */
  logFile: string
  /** Added to our environment. */
  env?: Readonly<Record<string, string>>
  /** Gets each line of stdout. */
  onLine?: (line: string) => void
}

/** How a process ended: its status, or the signal that ended it. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

/** Flags and environment of ./carillon, so that what is started without the launcher runs the same. */
export const CARILLON_FLAGS: readonly string[] = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=150',
  '--no-parallel-scavenge',
  '--use-largepages=silent',
]
export const CARILLON_ENV = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.arena_max=2' }

/**
 * A child process of ours: signals go to its pid and to no other, it ends when we end (however we
 * end), and its output lies in a file.
 */
export class OwnProcess {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<Ending>
  private readonly child: ChildProcess
  private ending: Ending | undefined

  constructor(options: OwnProcessOptions) {
    const { name, script, args, flags = CARILLON_FLAGS, logFile, env, onLine } = options
    const { within = [] } = options
    this.name = name
    this.logFile = logFile
    const log = openSync(logFile, 'a')
    const stdio = ['pipe', onLine === undefined ? log : 'pipe', log] as const
    if (typeof script === 'string') {
      // which becomes the program, under the same pid
      this.child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', script, ...args], {
        stdio: [...stdio],
        env: { ...process.env, ...env },
      })
    } else {
      const preload = new URL('./end-with-parent.js', import.meta.url)
      const program = [process.execPath, ...flags, '--import', preload.href, script.pathname]
      const [command, ...rest] = [...within, ...program, ...args]
      this.child = spawn(command!, rest, {
        stdio: [...stdio],
        env: { ...CARILLON_ENV, ...process.env, ...env },
      })
    }
    this.child.on('error', () => undefined) // it could not be started: there is no pid
    closeSync(log)
    if (this.child.pid === undefined) throw new Error(`${name} could not be started`)
    this.pid = this.child.pid
    running.add(this)
    if (this.child.stdout !== null && onLine !== undefined) {
      createInterface({ input: this.child.stdout }).on('line', onLine)
    }
    this.child.stdin?.on('error', () => undefined) // the child is gone
    this.ended = new Promise(resolve => {
      this.child.once('close', (code, signal) => {
        this.ending = { code, signal }
        running.delete(this)
        resolve(this.ending)
      })
    })
  }

  get isRunning(): boolean {
    return this.ending === undefined
  }

  /** Sends a signal; false when the process has ended already. */
  signal(signal: NodeJS.Signals): boolean {
    return this.isRunning && this.child.kill(signal)
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<Ending> {
    this.signal('SIGKILL')
    return this.ended
  }

  /** SIGTERM; SIGKILL when it has not ended after `deadlineMs`. */
  async terminate(deadlineMs = 10_000): Promise<Ending> {
    this.signal('SIGCONT') // a frozen process would not see the other one
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), deadlineMs)
    const ending = await this.ended
    clearTimeout(timer)
    return ending
  }

  /** Resident memory in octets; 0 when it has ended. Linux only. */
  get rssOctets(): number {
    try {
      const [, pages] = readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ')
      return this.isRunning ? Number(pages) * 4096 : 0
    } catch {
      return 0
    }
  }

  /** CPU time used so far by all threads, in ms, user and system; 0 when it has ended. Linux only. */
  get cpuMs(): number {
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) * 10 // USER_HZ is 100: proc(5)
    } catch {
      return 0
    }
  }

  /** The end of its output, for the message of a failure. */
  logTail(octets = 4_000): string {
    try {
      return readFileSync(this.logFile, 'utf8').slice(-octets)
    } catch {
      return ''
    }
  }
}

const running = new Set<OwnProcess>()
process.once('exit', () => {
  for (const child of running) child.signal('SIGKILL')
})
