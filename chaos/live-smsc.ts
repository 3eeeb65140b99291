import type { AcceptedItem } from '../src/tools/accepted-log.js'
import { runText } from '../src/tools/message-tag.js'
import type { SmscBehaviour } from '../src/tools/smsc-faults.js'
import type { SmscStats } from '../src/tools/smsc-stats.js'
import type { DrillSmsc } from './subject.js'

/**
 * A running `carillon smsc-sim`, over its status port. It counts what the load has sent, and nobody else's
 * messages. What it shows is as old as the last look, 250 ms at most.
 */
export class LiveSmsc implements DrillSmsc {
  readonly tags = { count: (run: number, n: number): number => this.counts.get(run)?.[n] ?? 0 }
  /** As it was found. */
  readonly behaviour: SmscBehaviour
  private readonly url: string
  private readonly first: SmscStats
  private readonly counts = new Map<number, Uint8Array>()
  private readonly items: AcceptedItem[] = []
  private readonly changed = new Set<keyof SmscBehaviour>()
  private runs: readonly number[] = []
  private names: ReadonlySet<string> = new Set()
  private last: SmscStats
  private next: number
  private looking: Promise<void> = Promise.resolve()
  private timer: NodeJS.Timeout | undefined

  /** @throws Error where it does not answer */
  static async find(url: string): Promise<LiveSmsc> {
    try {
      const stats = (await ask(`${url}/stats`)) as SmscStats
      return new LiveSmsc(url, stats, (await ask(`${url}/behaviour`)) as SmscBehaviour)
    } catch (cause) {
      throw new Error(`smsc: no SMSC simulator answers at ${url}/stats`, { cause })
    }
  }

  private constructor(url: string, stats: SmscStats, behaviour: SmscBehaviour) {
    this.url = url
    this.first = this.last = stats
    this.behaviour = behaviour
    this.next = stats.accepted - stats.untagged // tagged messages, which /messages numbers
    const look = (): void => {
      this.timer = setTimeout(() => {
        void this.look()
          .catch(() => undefined) // it is asked again; refresh says so
          .then(() => {
            if (this.timer !== undefined) look()
          })
      }, LOOK_EVERY_MS)
    }
    look()
  }

  follow(runs: readonly number[]): void {
    this.runs = runs
    this.names = new Set(runs.map(runText))
  }

  /** Since the drill began; `accepted` counts the load's messages only. */
  stats(): SmscStats {
    const { first, last } = this
    // Binds that stood at the beginning count as begun since, so that those that end are counted.
    const binds = last.binds - first.binds + first.sessions.length
    return { ...last, binds, accepted: this.items.length }
  }

  acceptedSince(seq: number, limit: number): AcceptedItem[] {
    return this.items.slice(seq, seq + limit)
  }

  async change(to: Partial<SmscBehaviour>): Promise<void> {
    for (const key of Object.keys(to)) this.changed.add(key as keyof SmscBehaviour)
    await ask(`${this.url}/fault`, { method: 'POST', body: JSON.stringify(to) })
  }

  async cut(): Promise<void> {
    await ask(`${this.url}/disconnect`, { method: 'POST' })
  }

  async mend(): Promise<void> {
    if (this.changed.size === 0) return
    const found = Object.entries(this.behaviour) as [keyof SmscBehaviour, unknown][]
    await this.change(Object.fromEntries(found.filter(([key]) => this.changed.has(key))))
    this.changed.clear()
  }

  async refresh(): Promise<void> {
    await this.look()
    for (const run of this.runs) {
      const signal = AbortSignal.timeout(ASK_MS)
      const response = await fetch(`${this.url}/runs/${runText(run)}/counts`, { signal })
      if (!response.ok) throw new Error(`${this.url}: ${response.status}`)
      this.counts.set(run, new Uint8Array(await response.arrayBuffer()))
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    await this.mend()
  }

  /** One look after the other, so that no message is taken twice. */
  private look(): Promise<void> {
    const look = this.looking.then(() => this.fetchNew())
    this.looking = look.catch(() => undefined)
    return look
  }

  private async fetchNew(): Promise<void> {
    this.last = (await ask(`${this.url}/stats`)) as SmscStats
    for (;;) {
      const path = `/messages?since=${this.next}&limit=${PAGE}`
      const { items, next } = (await ask(this.url + path)) as Messages
      this.next = next
      for (const item of items) {
        if (this.names.has(item.run) && this.items.length < ITEMS_MAX) this.items.push(item)
      }
      if (items.length < PAGE) return
    }
  }
}

interface Messages {
  items: AcceptedItem[]
  next: number
}

const LOOK_EVERY_MS = 250
const ASK_MS = 5_000
const PAGE = 10_000
/** As many as the simulator itself keeps. */
const ITEMS_MAX = 1 << 20

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ASK_MS) })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response.json()
}
