import { AnswerTimeline, type Gap } from './answer-timeline.js'
import type { EsmeClient } from './esme.js'
import { awaitsReceipts } from './esme-options.js'
import type { EsmeReport, ReceiptReport } from './esme-report.js'
import type { EsmeSession } from './esme-session.js'
import { runText } from './message-tag.js'

/** What only the client itself knows. */
export interface RunFacts {
  sendingMs: number
  /** Monotonic ms of the last positive answer. */
  lastAckMs: number
  messages: number
  problems: readonly string[]
}

/** Draws up the report from the client's books. */
export function makeReport(client: EsmeClient, facts: RunFacts): EsmeReport {
  const { ledger, options, sessions, startMs } = client
  const { sendingMs, lastAckMs } = facts
  const submitting = sessions.filter(session => session.canSubmit)
  const endMs = Math.max(sendingMs, lastAckMs - startMs)
  const gapsOf = (of: readonly EsmeSession[], limit = GAPS_MAX): Gap[] => {
    const timeline = new AnswerTimeline()
    for (const session of of) timeline.merge(session.timeline)
    return timeline.gaps(client.startedAtMs, endMs, GAP_MS, limit)
  }
  const receipts = awaitsReceipts(options) ? receiptsOf(client) : null
  const measuredMs = lastAckMs - startMs - options.warmUpMs
  const report: EsmeReport = {
    run: runText(client.runNumber),
    startedAtMs: client.startedAtMs,
    sendingMs: Math.round(sendingMs),
    offered: options.rate === null ? null : offered(client, sendingMs, options.rate),
    messages: facts.messages,
    sent: ledger.sent,
    resent: ledger.resent,
    acknowledged: ledger.acknowledged,
    throughput: measuredMs > 0 ? Math.round((ledger.latency.count * 1000) / measuredMs) : 0,
    refused: ledger.refusalsByName,
    unsuccessful: ledger.unsuccessfulByName,
    operations: client.operations.counts,
    inDoubt: ledger.inDoubt,
    late: ledger.late,
    latencyMs: ledger.latency.quantiles(),
    gaps: {
      all: gapsOf(submitting),
      unbroken: gapsOf(submitting.filter(session => session.breaks === 0)),
      broken: gapsOf(submitting.filter(session => session.breaks > 0)),
    },
    sessions: sessions.map(session => ({
      index: session.index,
      bind: session.bindAs,
      boundAt: session.boundAt,
      breaks: session.breaks,
      acknowledged: session.acknowledged,
      longestGapMs: session.canSubmit ? (gapsOf([session], 1)[0]?.ms ?? 0) : 0,
    })),
    receipts,
    notifications: ledger.notifications,
    ids: {
      distinct: ledger.acknowledged - ledger.repeatedIds - ledger.emptyIds,
      repeated: ledger.repeatedIds,
      empty: ledger.emptyIds,
    },
    mo: moOf(client),
    problems: [...facts.problems],
  }
  if (receipts !== null && receipts.lost > 0) {
    report.problems.push(`${receipts.lost} acknowledged messages have no receipt`)
  }
  const { repeated, empty } = report.ids
  if (repeated > 0)
    report.problems.push(`${repeated} responses gave a message_id that was given before`)
  if (empty > 0) report.problems.push(`${empty} responses gave no message_id`)
  return report
}

/** Gaps below are the ordinary pace of answers. */
const GAP_MS = 5
const GAPS_MAX = 100

function offered({ options }: EsmeClient, sendingMs: number, rate: number): number {
  return Math.min(options.count ?? Infinity, Math.floor((sendingMs * rate) / 1000) + 1)
}

function receiptsOf({ ledger }: EsmeClient): ReceiptReport {
  let unmatched = 0
  for (const { n, receipts } of ledger.ids.entries()) if (n === undefined) unmatched += receipts
  return {
    expected: ledger.expected,
    received: ledger.receipts,
    byStat: Object.fromEntries(ledger.receiptsByStat),
    lost: ledger.awaited,
    duplicated: ledger.duplicatedReceipts,
    unmatched,
    latencyMs: ledger.receiptLatency.quantiles(),
  }
}

function moOf({ ledger }: EsmeClient): EsmeReport['mo'] {
  const runs = ledger.mo.all()
  const distinct = runs.reduce((sum, run) => sum + run.distinct, 0)
  const total = runs.reduce((sum, run) => sum + run.total, 0)
  return { received: ledger.moReceived, distinct, duplicates: total - distinct }
}
