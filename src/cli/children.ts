import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pause } from './operate.js'
import type { Clock, Timers } from '../base/clock.js'

/** A process that a command started. */
export interface Child {
  /** `node 2` */
  name: string
  pid: number
  /** How it ended, or undefined while it runs: `SIGKILL`, `exit status 1`. */
  ended(): string | undefined
  /** Nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void
}

/** Processes that belong to one command, each in a process group of its own, so that Ctrl-C is ours to pass on. */
export class Children {
  private readonly all: Child[] = []
  private readonly recordFile: string
  private readonly onEnd: (child: Child, how: string) => void

  /**
   * @param recordFile  where their pids are kept while they run
   * @param onEnd       called when one ends, for whatever reason
   */
  constructor(recordFile: string, onEnd: (child: Child, how: string) => void) {
    this.recordFile = recordFile
    this.onEnd = onEnd
  }

  /** Starts a process; all that it writes goes to the end of `log`. */
  start(name: string, command: readonly string[], log: string, env: NodeJS.ProcessEnv): Child {
    const [program = '', ...args] = command
    const fd = openSync(log, 'a', 0o600)
    const started = spawn(program, args, { stdio: ['ignore', fd, fd], detached: true, env })
    closeSync(fd)
    const child = adopt(name, started, how => {
      this.writeRecord()
      this.onEnd(child, how)
    })
    this.all.push(child)
    this.writeRecord()
    return child
  }

  running(): Child[] {
    return this.all.filter(child => child.ended() === undefined)
  }

  /** SIGTERM to all at once; what is left after `graceMs` is killed. Returns when all have ended. */
  async stop(graceMs: number, { clock, timers }: { clock: Clock; timers: Timers }): Promise<void> {
    for (const child of this.running()) child.kill('SIGTERM')
    const endsAtMs = clock.monotonicMs() + graceMs
    while (this.running().length > 0 && clock.monotonicMs() < endsAtMs) await pause(timers, 20)
    this.killAll()
    while (this.running().length > 0) await pause(timers, 10)
    rmSync(this.recordFile, { force: true })
  }

  /** For the very end of this process. */
  killAll(): void {
    for (const child of this.running()) child.kill('SIGKILL')
  }

  private writeRecord(): void {
    const entries = this.running().map(({ name, pid }) => ({ name, pid, started: startTime(pid) }))
    const record: UpRecord = {
      pid: process.pid,
      started: startTime(process.pid),
      children: entries,
    }
    writeFileSync(this.recordFile, JSON.stringify(record))
  }
}

/**
 * Ends what a killed command left running, by its record. Processes are known by pid and start
 * time, so that nobody else's is touched.
 *
 * @returns  names of those that were ended; `owner` where the command itself is still alive
 */
export function endLeftovers(recordFile: string): { ended: string[] } | { owner: number } {
  const record = readRecord(recordFile)
  if (record === undefined) return { ended: [] }
  if (isSame(record)) return { owner: record.pid }
  const left = record.children.filter(isSame)
  for (const { pid } of left) tryKill(pid, 'SIGKILL')
  rmSync(recordFile, { force: true })
  return { ended: left.map(({ name, pid }) => `${name} (pid ${pid})`) }
}

interface Recorded {
  pid: number
  started: string | null
}

interface UpRecord extends Recorded {
  children: (Recorded & { name: string })[]
}

function adopt(name: string, started: ChildProcess, onEnd: (how: string) => void): Child {
  let ended: string | undefined
  const end = (how: string): void => {
    if (ended !== undefined) return
    ended = how
    onEnd(how)
  }
  started.on('exit', (code, signal) => end(signal ?? `exit status ${code ?? 0}`))
  started.on('error', error => end(error.message))
  return {
    name,
    pid: started.pid ?? 0,
    ended: () => ended,
    kill: signal => {
      if (ended === undefined) started.kill(signal)
    },
  }
}

function readRecord(file: string): UpRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as UpRecord
  } catch {
    return undefined
  }
}

function isSame({ pid, started }: Recorded): boolean {
  return started !== null && startTime(pid) === started
}

/** Field 22 of /proc/PID/stat, in the kernel's ticks; null where there is no such process (or no /proc). */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone meanwhile
  }
}
