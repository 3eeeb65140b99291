import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ClusterView } from '../src/api/shapes.js'
import type { Ending } from '../src/testing/own-process.js'
import { waitFor } from '../src/testing/wait-for.js'
import { systemProcesses } from './hard-stop.js'
import type { NodeEntry } from './nodes-file.js'
import type { DrillNode } from './subject.js'

/**
 * A node that somebody else has started, broken by signals (pidFile) or by commands. It is asked over
 * HTTP. Whether it runs is told by its process, or else by whether its HTTP port refuses connections.
 *
 *     up ── kill, stop ──► down ── start ──► starting ── answers, or its process is there ──► up
 */
export class LiveNode implements DrillNode {
  readonly id: number
  readonly smppAddress: string
  /** It is not known where it logs. */
  readonly logFile = ''
  private readonly entry: NodeEntry
  private readonly directory: string
  private readonly evidence: string
  private state: 'up' | 'starting' | 'down' = 'up'
  private startedMs = 0
  private startFailure = ''
  private takenDown = false
  private paused = false
  /** The drill has broken it at least once. */
  private touched = false
  private turn: Promise<unknown> = Promise.resolve()

  /**
   * @param directory  where its commands run
   * @param evidence   where the output of its start command goes
   */
  constructor(entry: NodeEntry, directory: string, evidence: string) {
    this.entry = entry
    this.directory = directory
    this.evidence = evidence
    this.id = entry.id
    this.smppAddress = entry.smpp
  }

  get pid(): number | undefined {
    return this.process()?.pid
  }

  get isRunning(): boolean {
    if (this.entry.pidFile === null) return this.state === 'up' || this.isStarting
    return this.isStarting || this.process() !== undefined
  }

  /** 0 where its process is not on this machine. */
  get rssOctets(): number {
    try {
      const { pid } = this
      if (pid === undefined) return 0
      const [, pages] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')
      return Number(pages) * 4096
    } catch {
      return 0
    }
  }

  /** Its start command outlives the drill where it does not end by itself. */
  start(): Promise<void> {
    return this.inTurn(() => {
      if (this.process() === undefined) this.spawnStart()
      this.state = 'starting'
      this.startedMs = performance.now()
    })
  }

  kill(): Promise<void> {
    return this.inTurn(async () => {
      this.takenDown = this.touched = true
      if (this.entry.kill === null) await this.end('SIGKILL', GONE_MS)
      else await this.command('kill', this.entry.kill)
      this.paused = false
      this.state = 'down'
    })
  }

  /** How it ended is not known of a process that is not ours: that it did in time counts as status 0. */
  terminate(deadlineMs = 10_000): Promise<Ending | undefined> {
    return this.inTurn(async () => {
      await this.goOn()
      this.takenDown = this.touched = true
      let ending: Ending = { code: 0, signal: null }
      if (this.entry.stop !== null) await this.command('stop', this.entry.stop, deadlineMs)
      else {
        try {
          await this.end('SIGTERM', deadlineMs)
        } catch {
          await this.end('SIGKILL', GONE_MS)
          ending = { code: null, signal: 'SIGKILL' }
        }
      }
      this.state = 'down'
      return ending
    })
  }

  freeze(): Promise<void> {
    return this.inTurn(async () => {
      this.paused = this.touched = true
      if (this.entry.pause === null) this.signal('SIGSTOP')
      else await this.command('pause', this.entry.pause)
    })
  }

  /** Does nothing where it is not paused. */
  thaw(): Promise<void> {
    return this.inTurn(() => this.goOn())
  }

  /** Starts it again, or lets it go on, where the drill took it down; once more where a start has come to nothing. */
  async mend(): Promise<void> {
    const thawed = await this.thaw().catch((error: unknown) => error as Error)
    await this.inTurn(() => undefined) // what has begun ends first
    // A second start beside one that is under way would take its pid file.
    const underWay = this.isStarting && this.startFailure === ''
    if (this.takenDown && !underWay) await this.start()
    if (thawed instanceof Error) throw thawed
  }

  /** Why it is not as it was found; undefined: it is. */
  async leftBroken(timeoutMs: number): Promise<string | undefined> {
    if (!this.touched) return undefined
    try {
      await this.ready(timeoutMs)
      return this.paused ? `node ${this.id} is still paused` : undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  async get<T>(path: string): Promise<T | undefined> {
    try {
      const response = await this.ask(path)
      if (response?.ok === true) return (await response.json()) as T
      await response?.body?.cancel()
    } catch {
      // it broke in the middle
    }
    return undefined
  }

  /** Whether the node did what it was asked to. */
  async post(path: string, body: object): Promise<boolean> {
    const headers = { 'content-type': 'application/json' }
    const response = await this.ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
    await response?.body?.cancel().catch(() => undefined)
    return response?.ok === true
  }

  async cluster(): Promise<ClusterView | undefined> {
    return this.get<ClusterView>('/api/v1/cluster')
  }

  async ready(timeoutMs = 60_000): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      const response = await this.ask('/readyz')
      await response?.body?.cancel()
      return response?.ok ?? false
    }
    const detail = (): string => this.startFailure
    const options = { timeoutMs, everyMs: 100, detail }
    await waitFor(`node ${this.id} is ready`, isReady, options)
    this.takenDown = false
  }

  /** What is wrong with it before a drill, in a sentence. */
  async problem(): Promise<string | undefined> {
    const { id, http, pidFile } = this.entry
    const response = await this.ask('/api/v1/cluster')
    if (response === undefined) return `node ${id} does not answer at ${http}`
    if (response.status === 401) {
      await response.body?.cancel()
      return `node ${id} wants an API key: give apiKeyFrom`
    }
    const view = (await response.json().catch(() => undefined)) as Partial<ClusterView> | undefined
    if (view?.id === undefined)
      return `${http} answers ${response.status}: is that a Carillon node?`
    if (view.id !== id) return `${http} is node ${view.id}, not node ${id}`
    if (pidFile !== null && this.process() === undefined) {
      return `node ${id}: ${pidFile} does not hold the pid of a carillon node on this machine`
    }
    return undefined
  }

  /**
   * The process that the pid file names now. A pid may have been given to somebody else since it was
   * written, so only a process started with --config counts.
   */
  private process(): { pid: number; start: string } | undefined {
    if (this.entry.pidFile === null) return undefined
    try {
      const pid = Number(readFileSync(this.entry.pidFile, 'utf8').trim())
      if (!Number.isInteger(pid) || pid < 2) return undefined
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      const start = systemProcesses.startOf(pid)
      const isNode = words.includes('node') && words.some(word => word.startsWith('--config'))
      return isNode && start !== undefined ? { pid, start } : undefined
    } catch {
      return undefined
    }
  }

  private get isStarting(): boolean {
    return this.state === 'starting' && performance.now() - this.startedMs < STARTING_MS
  }

  private async goOn(): Promise<void> {
    if (!this.paused) return
    if (this.entry.continue === null) this.signal('SIGCONT')
    else await this.command('continue', this.entry.continue)
    this.paused = false
  }

  private signal(signal: NodeJS.Signals): void {
    const { pid } = this
    if (pid === undefined) throw new Error(`node ${this.id} does not run: no ${signal} was sent`)
    process.kill(pid, signal)
  }

  /** Signals, and waits until that very process is gone; a supervisor may have started the next. */
  private async end(signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
    const before = this.process()
    this.signal(signal)
    const gone = (): boolean => this.process()?.start !== before?.start
    await waitFor(`node ${this.id} has ended`, gone, { timeoutMs: deadlineMs })
  }

  private async command(key: string, text: string, timeoutMs = COMMAND_MS): Promise<void> {
    const options = { cwd: this.directory, timeout: timeoutMs }
    try {
      await run('/bin/sh', ['-c', text], options)
    } catch (cause) {
      const { code, stderr } = cause as { code?: unknown; stderr?: string }
      const how = typeof code === 'number' ? `status ${code}` : `no answer in ${timeoutMs / 1000} s`
      const said = (stderr ?? '').trim().slice(-300)
      throw new Error(`node ${this.id}: its ${key} command ended with ${how}: ${said}`, { cause })
    }
  }

  private spawnStart(): void {
    const { start } = this.entry
    if (start === null) throw new Error(`node ${this.id} has no start command`)
    this.startFailure = ''
    const log = openSync(join(this.evidence, `start-${this.id}.log`), 'a')
    const child = spawn('/bin/sh', ['-c', start], {
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.unref()
    child.on('error', error => (this.startFailure = `its start command: ${error.message}`))
    child.on('exit', code => {
      const where = join(this.evidence, `start-${this.id}.log`)
      if (code !== 0)
        this.startFailure = `its start command ended with status ${code}: see ${where}`
    })
  }

  /** One step after the other, so that what mends comes after what broke. */
  private inTurn<T>(step: () => Promise<T> | T): Promise<T> {
    const result = this.turn.then(step)
    this.turn = result.catch(() => undefined)
    return result
  }

  private async ask(path: string, how: RequestInit = {}): Promise<Response | undefined> {
    const { http, apiKey } = this.entry
    const headers = new Headers(how.headers)
    if (apiKey !== null) headers.set('authorization', `Bearer ${apiKey}`)
    const signal = AbortSignal.timeout(2_000)
    try {
      const response = await fetch(http + path, { ...how, headers, signal })
      this.state = 'up'
      return response
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string }
      if (code === 'ECONNREFUSED' && !this.isStarting) this.state = 'down'
      return undefined
    }
  }
}

const run = promisify(execFile)
const COMMAND_MS = 20_000
const GONE_MS = 10_000
/** So long a node that was started need not show itself. */
const STARTING_MS = 45_000
