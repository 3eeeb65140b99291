import { createHash } from 'node:crypto'
import type { Clock } from '../../src/base/clock.js'
import type { Fields, Logger } from '../../src/base/logger.js'

/** Lines kept for a report. */
const KEPT = 100_000

/** Everything that happened in a world, a line each: their hash tells whether two runs were the same. */
export class Trace {
  readonly lines: { atMs: number; text: string }[] = []
  private readonly clock: Clock
  private readonly sha = createHash('sha256')
  /** More than the report needs: keep only the hash. */
  private count = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  get length(): number {
    return this.count
  }

  add(who: string, text: string): void {
    const atMs = this.clock.monotonicMs()
    const line = { atMs, text: `${who.padEnd(8)} ${text}` }
    this.sha.update(`${atMs} ${line.text}\n`)
    this.count++
    this.lines.push(line)
    if (this.lines.length > 2 * KEPT) this.lines.splice(0, KEPT)
  }

  /** Of all lines so far, hex. */
  hash(): string {
    return this.sha.copy().digest('hex')
  }

  /** The lines within `ms` before and 20 ms after `atMs` that name one of `words`, or are no traffic. */
  around(atMs: number, ms: number, words: readonly string[] = []): string[] {
    return this.lines
      .filter(line => line.atMs >= atMs - ms && line.atMs <= atMs + 20)
      .filter(({ text }) => !isTraffic(text) || words.some(word => text.includes(word)))
      .map(line => `${(line.atMs / 1000).toFixed(4).padStart(9)}  ${line.text}`)
  }

  /** A logger whose lines are part of the trace. */
  logger(who: string, fields: Fields = {}): Logger {
    const at = (level: string) => (event: string, more?: Fields) =>
      this.add(who, `${level} ${event}${shown({ ...fields, ...more })}`)
    return {
      debug: () => undefined,
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: more => this.logger(who, { ...fields, ...more }),
    }
  }
}

/** Of single messages: too many for a timeline. */
function isTraffic(text: string): boolean {
  return /[TMD]=\d/.test(text) || text.includes(' receipt ')
}

function shown(fields: Fields): string {
  return Object.entries(fields)
    .map(
      ([key, value]) => ` ${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
    )
    .join('')
}
