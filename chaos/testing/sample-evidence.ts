import type { Evidence } from '../evidence.js'

/** What a drill could have found; tests change what they are about. */
export function sampleEvidence(change: Partial<Evidence> = {}): Evidence {
  const startedAtMs = Date.UTC(2026, 10, 25, 16, 0, 0)
  return {
    version: 1,
    drill: 'leader-kill',
    summary: 'SIGKILL for the leader under load',
    says: ['messages in doubt are resent after 3 s (inDoubt: wait 3s)'],
    startedAt: new Date(startedAtMs).toISOString(),
    tookMs: 30_000,
    carillon: '0.1.0',
    build: { commit: 'abcdef1', hash: '0123456789ab' },
    machine: { node: 'v20', platform: 'linux x64', cpus: 2, loadBefore: 0.2, loadAfter: 1.4 },
    seed: 7,
    settings: { size: 3, rate: 200, times: 1, gateway: {}, node: {} },
    result: 'passed',
    checks: [
      {
        kind: 'must',
        name: 'no acknowledged message is lost',
        ok: true,
        found: '2000 acknowledged, 0 never reached the SMSC',
        expected: '0 lost of more than 0',
      },
    ],
    faults: [sampleFault(100), sampleFault(140), sampleFault(120)],
    spreads: {
      survivingGapMs: { count: 3, p50: 120, p95: 140, max: 140 },
      affectedGapMs: { count: 3, p50: 900, p95: 900, max: 900 },
      newLeaderMs: { count: 3, p50: 80, p95: 80, max: 80 },
      upstreamMs: null,
      okAfterConnectMs: { count: 3, p50: 62, p95: 64, max: 64 },
      okAfterBindMs: { count: 3, p50: 12, p95: 14, max: 14 },
    },
    books: {
      acknowledged: 2_000,
      refused: { ESME_RSYSERR: 3 },
      unanswered: 4,
      reachedSmsc: 2_001,
      lost: 0,
      lostMessages: [],
      receiptsMissing: 0,
      missingReceipts: [],
      duplicatedUpstream: 1,
      duplicatedReceipts: 2,
      refusedButSent: 0,
      unansweredButSent: 1,
      repeatedIds: 0,
    },
    duplicateBound: { bindsEnded: 2, window: 50, bound: 100 },
    gaps: { all: 120, sessionsThatBroke: 3 },
    latencyMs: { p50: 3, p95: 8, p99: 20, max: 140 },
    nodes: [],
    marks: [],
    roles: [],
    measured: {},
    events: [],
    timeline: null,
    ...change,
  }
}

function sampleFault(gapMs: number): Evidence['faults'][number] {
  return {
    what: 'SIGKILL for node 1, the leader',
    atMs: Date.UTC(2026, 10, 25, 16, 0, 10),
    nodes: [1],
    newLeaderMs: 80,
    homeHit: false,
    upstreamMs: null,
    surviving: { sessions: 7, gapMs },
    affected: { sessions: 2, gapMs: 900 },
    rebinds: [
      {
        ...{ session: 'roaming 0', address: '127.0.0.1:2776' },
        ...{ okAfterConnectMs: gapMs / 10 + 50, okAfterBindMs: gapMs / 10 },
      },
    ],
  }
}
