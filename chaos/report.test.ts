import t from 'tap'
import type { Evidence } from './evidence.js'
import { reportHtml } from './report-html.js'
import { placeLabels } from './report-svg.js'
import { sampleEvidence } from './testing/sample-evidence.js'

const HOSTILE = `<script src="https://evil.example/x.js">'"&</script><img src=//evil.example>`
const START = Date.UTC(2026, 10, 25, 16, 0, 0)

/** Everything that a report can show, with hostile words wherever words stand. */
function fullEvidence(): Evidence {
  const sample = sampleEvidence()
  const buckets = Array.from({ length: 80 }, (_, i) => i)
  const marks = [8, 9, 12, 14, 19].map((s, i) => ({
    atMs: START + s * 1_000,
    text: i === 0 ? HOSTILE : `SIGKILL for node ${i}, the leader`,
    kind: i % 2 === 0 ? ('fault' as const) : ('recovery' as const),
  }))
  return {
    ...sample,
    summary: HOSTILE,
    says: [HOSTILE],
    reason: HOSTILE,
    checks: [
      ...sample.checks,
      { kind: 'must', name: HOSTILE, ok: false, found: HOSTILE, expected: HOSTILE },
      { kind: 'goal', name: 'fast', ok: false, found: '200 ms', expected: '50 ms' },
    ],
    settings: { ...sample.settings, gateway: { accounts: [{ systemId: HOSTILE }] } },
    measured: { [HOSTILE]: HOSTILE },
    events: [{ atMs: START, text: HOSTILE }],
    marks,
    roles: [1, 2, 3].map(node => ({ node, atMs: START, role: node === 1 ? 'leader' : 'follower' })),
    nodes: [1, 2, 3].map(node => ({
      ...{ node, rssBefore: 1e8, rssMax: 2e8, rssAfter: 1.5e8, diskBefore: 1e6, diskAfter: 9e6 },
      stateHash: '9e9f80ce84b48e34',
      stateHashIndex: 5395,
    })),
    timeline: {
      startedAtMs: START,
      bucketMs: 250,
      offered: buckets.map(() => 50),
      acknowledged: buckets.map(i => (i === 33 ? 0 : 50)),
      upstream: buckets.map(i => 40 + (i % 20)),
      latencyMs: {
        p50: buckets.map(i => (i === 33 ? null : 3)),
        p95: buckets.map(i => (i === 33 ? null : 9)),
        p99: buckets.map(i => (i === 33 ? null : 140)),
      },
    },
  }
}

void t.test('a report needs no network, and shows what it was given as words', t => {
  const html = reportHtml(fullEvidence())
  t.notMatch(html, /<script|<img|<link|<iframe|@import|url\(/i)
  t.notMatch(html.replaceAll('&quot;', ''), /\s(?:src|href)="/)
  t.match(html, /default-src 'none'/, 'and a browser is told to load nothing')
  t.match(
    html,
    '&lt;script src=&quot;https://evil.example/x.js&quot;&gt;&#39;&quot;&amp;&lt;/script&gt;',
  )
  t.notMatch(html, /NaN|undefined|Infinity|\[object/)
  for (const tag of ['table', 'tr', 'svg', 'text', 'div', 'ol', 'li', 'p', 'span', 'details']) {
    const opened = html.split(new RegExp(`<${tag}[ >]`)).length
    t.equal(opened, html.split(`</${tag}>`).length, `every ${tag} is closed`)
  }
  t.end()
})

void t.test('it shows verdicts, seed, version, settings, refusals, hashes, memory and disk', t => {
  const html = reportHtml(fullEvidence())
  for (const words of [
    ...['>ok<', '>FAILED<', '>missed<', 'abcdef1, build 0123456789ab', 'v20 on linux x64'],
    ...['200 messages a second, on 3 nodes', 'ESME_RSYSERR 3', '9e9f80ce84b48e34 at index 5395'],
    ...['100.0 MB', '9.0 MB', 'p50 120 ms', '1; the bound is 100', '&quot;times&quot;: 1'],
  ]) {
    t.ok(html.includes(words), words)
  }
  t.match(html, /<th>seed<\/th><td>7<\/td>/)
  const never = reportHtml(sampleEvidence({ result: 'not run', reason: 'no root', books: null }))
  t.match(never, /Not run: no root/)
  const rate = { ...sampleEvidence().settings, rate: 'unlimited' as const, times: 5 }
  t.match(reportHtml(sampleEvidence({ settings: rate })), /as many messages as come back.*5 times/)
  t.end()
})

void t.test('labels of marks do not lie on each other, nor outside the picture', t => {
  for (const count of [1, 4, 40, 200]) {
    const marks = Array.from({ length: count }, (_, i) => ({
      at: 64 + ((i * 37) % 50) + (950 * i) / count,
      number: String(i + 1),
      text: 'SIGKILL for node 1, the leader of the moment',
    }))
    const labels = placeLabels(marks)
    const spans = labels.flatMap((label, i) => {
      if (label === undefined) return []
      const width = label.text.length * 5.5
      const lo = label.toTheLeft ? marks[i]!.at - width : marks[i]!.at
      return [{ y: label.y, lo, hi: lo + width }]
    })
    for (const [i, one] of spans.entries()) {
      t.ok(one.lo >= 0 && one.hi <= 1_076, `label ${i} of ${count} is inside`)
      const others = spans.slice(0, i).filter(({ y }) => y === one.y)
      t.notOk(
        others.some(other => one.lo < other.hi && other.lo < one.hi),
        `${i} of ${count} is free`,
      )
    }
    if (count <= 4) t.ok(labels.every((label, i) => label?.text === `${i + 1} ${marks[i]!.text}`))
    t.ok(spans.length >= Math.min(count, 20))
  }
  t.end()
})
