import type { ClientBook } from './reconcile.js'
import { quantile } from './gaps.js'

/** What happened in each stretch of `bucketMs`; lists are as long as each other. */
export interface Timeline {
  /** ms since the Unix epoch. */
  startedAtMs: number
  bucketMs: number
  /** Messages that ESMEs meant to send, were acknowledged, were refused; messages the SMSC took. */
  offered: number[]
  acknowledged: number[]
  upstream: number[]
  /** From the moment a message was meant to be sent to its answer, by when it was answered; null: none was. */
  latencyMs: { p50: (number | null)[]; p95: (number | null)[]; p99: (number | null)[] }
}

/**
 * @param books       and when their runs started, ms since the Unix epoch
 * @param upstreamMs  when the SMSC took messages, ms since the Unix epoch
 */
export function drawTimeline(
  books: readonly { book: ClientBook; startedAtMs: number }[],
  upstreamMs: readonly number[],
  startedAtMs: number,
  endedAtMs: number,
): Timeline {
  const bucketMs = 250
  const length = Math.max(1, Math.ceil((endedAtMs - startedAtMs) / bucketMs))
  const zeros = (): number[] => Array.from({ length }, () => 0)
  const offered = zeros()
  const acknowledged = zeros()
  const upstream = zeros()
  const latencies = Array.from({ length }, (): number[] => [])
  const at = (ms: number): number => Math.floor((ms - startedAtMs) / bucketMs)
  const count = (into: number[], ms: number): void => {
    const bucket = at(ms)
    if (bucket >= 0 && bucket < length) into[bucket]!++
  }
  for (const { book, startedAtMs: start } of books) {
    for (const { sentMs, answeredMs } of book.acknowledged.values()) {
      count(offered, start + sentMs)
      count(acknowledged, start + answeredMs)
      latencies[at(start + answeredMs)]?.push(answeredMs - sentMs)
    }
  }
  for (const ms of upstreamMs) count(upstream, ms)
  for (const list of latencies) list.sort((a, b) => a - b)
  const of = (share: number): (number | null)[] =>
    latencies.map(list => (list.length === 0 ? null : round(quantile(list, share))))
  return {
    startedAtMs,
    bucketMs,
    offered,
    acknowledged,
    upstream,
    latencyMs: { p50: of(0.5), p95: of(0.95), p99: of(0.99) },
  }
}

const round = (ms: number): number => Math.round(ms * 10) / 10
