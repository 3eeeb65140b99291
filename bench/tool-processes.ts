import { OwnProcess } from '../src/testing/own-process.js'
import { waitFor } from '../src/testing/wait-for.js'
import type { EsmeReport } from '../src/tools/esme-report.js'
import type { SmscSecond, SmscStats } from '../src/tools/smsc-stats.js'
import type { Reading } from './load.js'

const MAIN = new URL('../src/main.js', import.meta.url)

/** `carillon smsc-sim` as a process of its own. */
export class SmscProcess {
  readonly port: number
  private readonly admin: string
  private readonly process: OwnProcess

  static async start(logFile: string, args: readonly string[] = []): Promise<SmscProcess> {
    let listening: { port: number; adminPort: number } | undefined
    const process = new OwnProcess({
      name: 'smsc-sim',
      script: MAIN,
      args: ['smsc-sim', '--port', '0', '--admin', '0', '--output', 'json', ...args],
      logFile,
      onLine: line => (listening ??= JSON.parse(line) as { port: number; adminPort: number }),
    })
    const found = await waitFor(
      'the SMSC simulator listens',
      () => {
        if (!process.isRunning) throw new Error(`smsc-sim has ended\n${process.logTail()}`)
        return listening
      },
      { detail: () => process.logTail() },
    )
    return new SmscProcess(process, found)
  }

  private constructor(process: OwnProcess, listening: { port: number; adminPort: number }) {
    this.process = process
    this.port = listening.port
    this.admin = `http://127.0.0.1:${listening.adminPort}`
  }

  async stats(): Promise<SmscStats> {
    return (await fetch(`${this.admin}/stats`)).json() as Promise<SmscStats>
  }

  /** The last hour, second by second. */
  async seconds(): Promise<SmscSecond[]> {
    return (await fetch(`${this.admin}/rates?last=3600`)).json() as Promise<SmscSecond[]>
  }

  get cpuMs(): number {
    return this.process.cpuMs
  }

  async stop(): Promise<void> {
    await this.process.terminate(3_000)
  }
}

/**
 * `carillon esme` as a process of its own, from its start to its report.
 * @param cpu  gets its CPU time so far, ms, ten times a second
 * @throws Error with the end of its log when it prints none
 */
export async function runEsme(
  logFile: string,
  args: readonly string[],
  cpu: Reading[] = [],
): Promise<EsmeReport> {
  let report: EsmeReport | undefined
  const process = new OwnProcess({
    name: 'esme',
    script: MAIN,
    args: ['esme', '--output', 'json', ...args],
    logFile,
    onLine: line => (report = JSON.parse(line) as EsmeReport),
  })
  const timer = setInterval(() => cpu.push({ atMs: Date.now(), sum: process.cpuMs }), 100)
  const ending = await process.ended
  clearInterval(timer)
  if (report !== undefined) return report
  const how = ending.signal ?? `status ${ending.code ?? '?'}`
  throw new Error(`the load client ended (${how}) without a report\n${process.logTail()}`)
}
