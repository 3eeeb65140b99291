import type { ClusterView } from '../api/shapes.js'
import { CARILLON_FLAGS, OwnProcess, type Ending } from './own-process.js'
import { waitFor } from './wait-for.js'

export interface ProcessNodeOptions {
  id: number
  /** Where it listens. */
  host: string
  configFile: string
  logFile: string
  smppPort: number
  httpPort: number
  peerPort: number
  smppTlsPort: number
  /** Of node itself, beside those of ./carillon. */
  flags: readonly string[]
  env: Readonly<Record<string, string>>
  /** Another build's main.js; undefined for this one's. */
  main: URL | undefined
  /** See OwnProcessOptions; asked at each start. */
  within: () => readonly string[]
}

/** One `carillon node` as a process of its own; it can be killed, frozen and started again. */
export class ProcessNode {
  readonly id: number
  readonly smppPort: number
  readonly httpPort: number
  readonly peerPort: number
  readonly logFile: string
  /** When it was last started and ended, ms since the Unix epoch. */
  startedAtMs = 0
  endedAtMs = 0
  private readonly options: ProcessNodeOptions
  private process: OwnProcess | undefined

  constructor(options: ProcessNodeOptions) {
    this.options = options
    this.id = options.id
    this.smppPort = options.smppPort
    this.httpPort = options.httpPort
    this.peerPort = options.peerPort
    this.logFile = options.logFile
  }

  /** For `esme --connect`. */
  get smppAddress(): string {
    return `${this.options.host}:${this.smppPort}`
  }

  /** The same by TLS; nobody listens there unless the cluster was started with `smppTls`. */
  get smppTlsAddress(): string {
    return `${this.options.host}:${this.options.smppTlsPort}`
  }

  get httpUrl(): string {
    return `http://${this.options.host}:${this.httpPort}`
  }

  get pid(): number | undefined {
    return this.process?.pid
  }

  get isRunning(): boolean {
    return this.process?.isRunning ?? false
  }

  get rssOctets(): number {
    return this.process?.rssOctets ?? 0
  }

  get cpuMs(): number {
    return this.process?.cpuMs ?? 0
  }

  /** Starts the process, or starts it again; does not wait until it is ready. */
  start(): void {
    if (this.isRunning) throw new Error(`node ${this.id} runs already`)
    const { id, configFile, logFile, flags, env, main, within } = this.options
    this.startedAtMs = Date.now()
    this.process = new OwnProcess({
      name: `node ${id}`,
      script: main ?? new URL('../main.js', import.meta.url),
      args: ['node', '--config', configFile],
      flags: [...CARILLON_FLAGS, ...flags],
      logFile,
      env,
      within: within(),
    })
    void this.process.ended.then(() => {
      this.endedAtMs = Date.now()
    })
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.process?.kill()
  }

  /** SIGSTOP: the process keeps its sockets and does nothing. */
  freeze(): void {
    this.process?.signal('SIGSTOP')
  }

  /** SIGCONT. */
  thaw(): void {
    this.process?.signal('SIGCONT')
  }

  /** SIGTERM, which drains; SIGKILL after `deadlineMs`. */
  async terminate(deadlineMs?: number): Promise<Ending | undefined> {
    return this.process?.terminate(deadlineMs)
  }

  /** The JSON at a path; undefined when the node does not answer within two seconds, or not with 2xx. */
  async get<T>(path: string): Promise<T | undefined> {
    const response = await this.ask(path)
    return response?.ok === true ? ((await response.json()) as T) : undefined
  }

  /** Whether the node did what it was asked to, within two seconds. */
  async post(path: string, body: object): Promise<boolean> {
    const headers = { 'content-type': 'application/json' }
    const response = await this.ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
    await response?.body?.cancel()
    return response?.ok === true
  }

  /** /api/v1/cluster as this node sees it. */
  async cluster(): Promise<ClusterView | undefined> {
    return this.get<ClusterView>('/api/v1/cluster')
  }

  /** Whether /readyz says so. */
  async isReady(): Promise<boolean> {
    const response = await this.ask('/readyz')
    await response?.body?.cancel()
    return response?.ok ?? false
  }

  /** @throws Error with the end of its log when it is not ready in time, or has ended */
  async ready(timeoutMs = 60_000): Promise<void> {
    await waitFor(
      `node ${this.id} is ready`,
      () => {
        if (this.isRunning) return this.isReady()
        throw new Error(`node ${this.id} has ended\n${this.logTail()}`)
      },
      { timeoutMs, detail: () => this.logTail() },
    )
  }

  logTail(octets?: number): string {
    return this.process?.logTail(octets) ?? ''
  }

  private async ask(path: string, how: RequestInit = {}): Promise<Response | undefined> {
    try {
      return await fetch(this.httpUrl + path, { ...how, signal: AbortSignal.timeout(2_000) })
    } catch {
      return undefined
    }
  }
}
