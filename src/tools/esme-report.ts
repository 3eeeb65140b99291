import type { Gap } from './answer-timeline.js'
import type { Quantiles } from './histogram.js'
import type { OperationCounts } from './esme-operations.js'
import { grouped, msText } from './units.js'

/** What a run of the load client came to. */
export interface EsmeReport {
  /** Of the tags: see message-tag.ts. */
  run: string
  /** First message meant to be sent, ms since the Unix epoch. */
  startedAtMs: number
  /** From then to the end of sending. */
  sendingMs: number
  /** Messages that should have been sent by then at the wanted rate; null: as fast as possible. */
  offered: number | null
  /** Different messages sent. */
  messages: number
  /** submit_sm sent, repetitions included. */
  sent: number
  resent: number
  acknowledged: number
  /** Messages of after the warm-up that were answered positively, a second. */
  throughput: number
  refused: Record<string, number>
  /** Destinations that submit_multi_resps refused, by status. */
  unsuccessful: Record<string, number>
  /** What was asked about acknowledged messages, and how often each answer came. */
  operations: OperationCounts
  /** Sent, and never answered: the connection broke, or the time-out passed. */
  inDoubt: number
  /** Answered after the time-out. */
  late: number
  /** From the moment a message was meant to be sent to its positive answer. */
  latencyMs: Quantiles
  gaps: {
    /** The longest time without a positive submit_sm_resp on any session. */
    all: Gap[]
    /** On sessions that never broke, and on those that did. */
    unbroken: Gap[]
    broken: Gap[]
  }
  sessions: SessionReport[]
  receipts: ReceiptReport | null
  /** Intermediate notifications that came. */
  notifications: number
  ids: { distinct: number; repeated: number; empty: number }
  mo: { received: number; distinct: number; duplicates: number }
  /** Why the exit status is not 0. */
  problems: string[]
}

export interface SessionReport {
  index: number
  bind: string
  /** Addresses it was bound at, in order. */
  boundAt: string[]
  breaks: number
  acknowledged: number
  longestGapMs: number
}

export interface ReceiptReport {
  /** Messages that were acknowledged under an id of their own; of a submit_multi each destination taken. */
  expected: number
  received: number
  byStat: Record<string, number>
  /** Acknowledged, but no final receipt came. */
  lost: number
  /** Final receipts beyond the first of a message. */
  duplicated: number
  /** For ids that no response gave: of messages in doubt, or of an earlier run. */
  unmatched: number
  /** From the last time a message was sent to its first final receipt. */
  latencyMs: Quantiles
}

/** The report for people. */
export function reportText(report: EsmeReport): string {
  const { latencyMs: latency, gaps, receipts, ids, mo } = report
  const unsuccessful = counted(report.unsuccessful)
  const longest = (of: Gap[]): string => (of[0] === undefined ? 'none' : msText(of[0].ms))
  const broke = report.sessions.filter(session => session.breaks > 0).length
  const lines: [string, string][] = [
    ['run', report.run],
    [
      'sent',
      `${grouped(report.sent)}${report.resent > 0 ? `, ${grouped(report.resent)} of them again` : ''}` +
        (report.offered === null ? '' : ` of ${grouped(report.offered)} offered`),
    ],
    ['acknowledged', `${grouped(report.acknowledged)} (${grouped(report.throughput)}/s)`],
    ['refused', counted(report.refused) || '0'],
    [
      'in doubt',
      `${grouped(report.inDoubt)}${report.late > 0 ? `, answered late ${grouped(report.late)}` : ''}`,
    ],
    [
      'latency',
      `p50 ${msText(latency.p50)} · p95 ${msText(latency.p95)} · p99 ${msText(latency.p99)} · ` +
        `max ${msText(latency.max)}`,
    ],
    [
      'longest gap',
      broke === 0
        ? longest(gaps.all)
        : `${longest(gaps.all)}; sessions that broke (${broke}) ${longest(gaps.broken)}, ` +
          `that did not (${report.sessions.length - broke}) ${longest(gaps.unbroken)}`,
    ],
  ]
  if (receipts !== null) {
    lines.push(
      ['receipts', `${counted(receipts.byStat) || '0'} · p50 ${msText(receipts.latencyMs.p50)}`],
      [
        '',
        `lost ${grouped(receipts.lost)} · duplicated ${grouped(receipts.duplicated)} · ` +
          `of messages without an answer ${grouped(receipts.unmatched)}`,
      ],
    )
  }
  if (unsuccessful !== '') lines.push(['unsuccessful', unsuccessful])
  if (report.notifications > 0) lines.push(['notifications', grouped(report.notifications)])
  for (const [name, counts] of Object.entries(report.operations))
    lines.push([name, counted(counts)])
  lines.push([
    'message ids',
    `${grouped(ids.distinct)} distinct, ${grouped(ids.repeated)} repeated`,
  ])
  if (mo.received > 0) {
    lines.push(['from mobiles', `${grouped(mo.received)}, ${grouped(mo.duplicates)} of them again`])
  }
  for (const problem of report.problems) lines.push(['PROBLEM', problem])
  return lines.map(([name, text]) => `${name.padEnd(13)} ${text}\n`).join('')
}

function counted(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, n]) => `${name} ${grouped(n)}`)
    .join(', ')
}
