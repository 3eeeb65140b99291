import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { OwnProcess } from '../../src/testing/own-process.js'
import { waitFor } from '../../src/testing/wait-for.js'
import type { ClientLoad } from './client-main.js'
import type { LoadReport, LoadTime } from './clients/meter.js'
import type { RunningSystem } from './system.js'

/** Debian's packages of the programs that the systems are made of. */
export const PACKAGES = {
  etcd: 'etcd-server',
  'nats-server': 'nats-server',
  'redis-server': 'redis-server',
  'redis-benchmark': 'redis-tools',
  bearerbox: 'kannel',
  smsbox: 'kannel',
} as const
export type ProgramName = keyof typeof PACKAGES

/** Whether a program is there. Debian has servers in /usr/sbin, which is not on everybody's PATH. */
export function hasProgram(name: string): boolean {
  return pathOf(name) !== undefined
}

/** The path of a program. */
export function pathOf(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  return directories
    .map(directory => join(directory, name))
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Why a system that needs these cannot run, and what helps. */
export function missingPrograms(...names: ProgramName[]): string | undefined {
  const absent = names.filter(name => !hasProgram(name))
  if (!hasProgram('setpriv')) return 'setpriv of util-linux is not here'
  if (absent.length === 0) return undefined
  const packages = [...new Set(absent.map(name => PACKAGES[name]))].join(', ')
  return `${absent.join(', ')} not here: Debian's ${packages}, or bench --peers --install`
}

/** The first version number that a program says of itself; `unknown` where it says none. */
export function versionOf(name: ProgramName): string {
  const { stdout, stderr } = spawnSync(pathOf(name) ?? name, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}

/** A program of others that runs, under a pid of its own. */
export function startProgram(
  name: ProgramName,
  args: readonly string[],
  logFile: string,
): OwnProcess {
  return new OwnProcess({ name, script: pathOf(name) ?? name, args, logFile })
}

/** A compiled script of ours that prints its port when it listens. */
export async function startListener(
  script: string,
  logFile: string,
): Promise<{ process: OwnProcess; port: number }> {
  let port: number | undefined
  const process = new OwnProcess({
    name: script,
    script: new URL(`./${script}.js`, import.meta.url),
    args: [],
    logFile,
    onLine: line => (port = Number(line)),
  })
  try {
    return { process, port: await waitUntil(`${script} listens`, [process], () => port) }
  } catch (error) {
    await process.kill()
    throw error
  }
}

/** A system of these processes alone, once `ready` says how it is measured. They are ended where that fails. */
export async function runningSystem(
  processes: readonly OwnProcess[],
  ready: () => Promise<RunningSystem['measure']>,
): Promise<RunningSystem> {
  try {
    return {
      measure: await ready(),
      get cpuMs() {
        return cpuMsOf(processes)
      },
      stop: () => endAll(processes),
    }
  } catch (error) {
    await endAll(processes)
    throw error
  }
}

/** Waits for something of processes that all go on running. @throws Error with the end of the log of one that has not */
export async function waitUntil<T>(
  what: string,
  processes: readonly OwnProcess[],
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  return waitFor(what, () => {
    const ended = processes.find(process => !process.isRunning)
    if (ended !== undefined) throw new Error(`${ended.name} has ended\n${ended.logTail(1_000)}`)
    return probe()
  })
}

/** Loads with a client of ours, a process of its own. */
export async function runClient(load: ClientLoad & LoadTime, logFile: string): Promise<LoadReport> {
  let report: LoadReport | undefined
  const process = new OwnProcess({
    name: `client of ${load.kind}`,
    script: new URL('./client-main.js', import.meta.url),
    args: [JSON.stringify(load)],
    logFile,
    onLine: line => (report = JSON.parse(line) as LoadReport),
  })
  await process.ended
  if (report === undefined) throw new Error(`${process.name} said nothing\n${process.logTail()}`)
  return report
}

/** CPU time of processes so far, ms. */
export function cpuMsOf(processes: readonly OwnProcess[]): number {
  return processes.reduce((sum, process) => sum + process.cpuMs, 0)
}

export async function endAll(processes: readonly OwnProcess[]): Promise<void> {
  await Promise.all(processes.map(process => process.terminate(5_000)))
}
