import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Processes, as far as a stop concerns them. */
export interface Processes {
  readonly pid: number
  /** Tells two processes of one pid apart; undefined: there is none. */
  startOf(pid: number): string | undefined
  kill(pid: number, signal: NodeJS.Signals): void
}

/** From /proc. Source: proc(5): field 22 of stat is the start, in ticks since boot. */
export const systemProcesses: Processes = {
  pid: process.pid,
  startOf: pid => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    } catch {
      return undefined
    }
  },
  kill: (pid, signal) => {
    process.kill(pid, signal)
  },
}

/** Notes in the directory of the evidence that this process runs drills, so that it can be stopped. */
export function noteRunning(out: string, processes: Processes = systemProcesses): () => void {
  mkdirSync(out, { recursive: true })
  const { pid } = processes
  const file = join(out, `running-${pid}.json`)
  writeFileSync(file, JSON.stringify({ pid, start: processes.startOf(pid) }))
  return () => rmSync(file, { force: true })
}

/** The pids of those that run drills with this directory. Notes of processes that are gone are removed. */
export function runningIn(
  out: string,
  files: readonly string[],
  processes: Processes = systemProcesses,
): number[] {
  return files
    .filter(file => /^running-\d+\.json$/.test(file))
    .flatMap(file => {
      const path = join(out, file)
      try {
        const note = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; start?: string }
        if (note.start !== undefined && processes.startOf(note.pid) === note.start)
          return [note.pid]
      } catch {
        // half written, or gone
      }
      rmSync(path, { force: true })
      return []
    })
}

/**
 * The first of SIGNALS stops drills in good order; the second does what it always does. With a terminal that
 * closes goes whoever listened: what cannot be said any more is dropped, for faults must still be healed.
 */
export function stopOnSignals(note: (text: string) => void): {
  signal: AbortSignal
  forget: () => void
} {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    forget()
    note(`${signal}: the drill is stopped and its faults healed; once more ends it at once`)
    controller.abort(new Error(`stopped by ${signal}`))
  }
  const forget = (): void => {
    for (const name of SIGNALS) process.off(name, stop)
  }
  for (const name of SIGNALS) process.on(name, stop)
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(unheard)) stream.on('error', unheard)
  }
  return { signal: controller.signal, forget }
}

/** Ctrl-C, a supervisor or `drill stop`, a terminal that closes. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** EIO of a terminal, EPIPE of a pipe. */
function unheard(): void {
  // nobody is left to be told
}
