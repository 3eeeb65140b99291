import type { Check, Evidence } from './evidence.js'
import type { Spread } from './gaps.js'
import type { NetworkKind } from './network/choice.js'
import { escape, ROLE_COLOURS, timelineSvg } from './report-svg.js'
import type { Timeline } from './timeline.js'

/** The report: one file that needs nothing else to be read. */
export function reportHtml(evidence: Evidence): string {
  const { drill, summary, result, reason, timeline, says } = evidence
  const title = `${drill}: ${result}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><style>${STYLE}</style></head><body>
<h1>${escape(drill)} <span class="badge ${result === 'passed' ? 'ok' : 'bad'}">${result}</span></h1>
<p>${escape(summary)}.</p>
${reason === undefined ? '' : `<p><b>${result === 'stopped' ? 'Stopped' : 'Not run'}: ${escape(reason)}</b></p>`}
${table(null, about(evidence))}
<ul class="dim">${says.map(text => `<li>${escape(text)}</li>`).join('')}</ul>
<h2>Verdicts</h2>
${table(['', 'check', 'found', 'expected'], evidence.checks.map(checkRow))}
${timeline === null ? '' : plot(evidence, timeline)}
${faults(evidence)}
${rebinds(evidence)}
${books(evidence)}
${measured(evidence)}
<h2>Nodes</h2>
${table(
  ['node', 'memory before', 'highest', 'after', 'data before', 'after', 'state hash at the end'],
  evidence.nodes.map(({ node, stateHash, stateHashIndex, ...use }) => [
    String(node),
    ...[use.rssBefore, use.rssMax, use.rssAfter, use.diskBefore, use.diskAfter].map(megabytes),
    stateHash === null ? 'no answer' : `${stateHash} at index ${stateHashIndex ?? '-'}`,
  ]),
)}
<h2>Settings</h2>
<pre>${escape(JSON.stringify(evidence.settings, null, 1))}</pre>
<details><summary>What the load's sessions went through (${evidence.events.length})</summary><pre>${escape(
    evidence.events.map(({ atMs, text }) => `${new Date(atMs).toISOString()} ${text}`).join('\n'),
  )}</pre></details>
</body></html>
`
}

function about(evidence: Evidence): string[][] {
  const { carillon, build, machine, startedAt, tookMs, seed, settings } = evidence
  const rate =
    settings.rate === 'unlimited' ? 'as many messages as come back' : perSecond(settings.rate)
  const times = settings.times > 1 ? `, the fault ${settings.times} times` : ''
  return [
    ['started', `${startedAt}, took ${(tookMs / 1000).toFixed(1)} s`],
    ['version', `Carillon ${carillon}, commit ${build.commit ?? 'unknown'}, build ${build.hash}`],
    ['load', `${rate}, on ${settings.size} nodes${times}`],
    ...(settings.network === undefined ? [] : [['network', NETWORKS[settings.network]]]),
    ['seed', String(seed)],
    [
      'machine',
      `Node.js ${machine.node} on ${machine.platform}, ${machine.cpus} processors, load average ` +
        `${machine.loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} after`,
    ],
  ]
}

const NETWORKS: Record<NetworkKind, string> = {
  loopback: 'loopback',
  proxy: 'loopback, with a TCP proxy between each two nodes',
  namespaces: 'a network namespace for each node; iptables drops packets',
}

const perSecond = (rate: number): string => `${rate} messages a second`

function plot(evidence: Evidence, timeline: Timeline): string {
  return `<h2>Timeline</h2>${LEGEND}<div class="wide"><div class="plot">${timelineSvg(evidence, timeline)}</div></div>${marks(evidence)}`
}

function checkRow({ kind, name, ok, found, expected }: Check): Cell[] {
  const word = ok ? 'ok' : kind === 'goal' ? 'missed' : 'FAILED'
  const badge = `<span class="badge ${ok ? 'ok' : kind === 'goal' ? 'goal' : 'bad'}">${word}</span>`
  return [{ html: badge }, name, found, expected]
}

function marks({ marks, timeline }: Evidence): string {
  const startMs = timeline?.startedAtMs ?? 0
  return `<ol>${marks
    .map(({ atMs, text, kind }) => {
      const at = ((atMs - startMs) / 1000).toFixed(2)
      return `<li class="mark-${kind}">${at} s: ${escape(text)}</li>`
    })
    .join('')}</ol>`
}

function faults({ faults, spreads }: Evidence): string {
  if (faults.length === 0) return ''
  const rows = faults.map(({ what, newLeaderMs, homeHit, upstreamMs, surviving, affected }) => [
    what,
    ms(newLeaderMs),
    homeHit ? ms(upstreamMs) : 'elsewhere',
    `${ms(surviving.gapMs)} (${surviving.sessions})`,
    `${ms(affected.gapMs)} (${affected.sessions})`,
  ])
  rows.push([
    'all',
    spreadWords(spreads.newLeaderMs),
    spreadWords(spreads.upstreamMs),
    spreadWords(spreads.survivingGapMs),
    spreadWords(spreads.affectedGapMs),
  ])
  return `<h2>Faults</h2><p class="dim">The gap is the longest time without a positive submit_sm_resp on
all such sessions together, seen from outside until everything had recovered. The affected ones are those
at the nodes that were hit, and those that broke; some of them go back to their own node only.</p>${table(
    [
      'fault',
      'new leader after',
      'SMSC served again after',
      'gap, surviving (sessions)',
      'gap, affected',
    ],
    rows,
  )}`
}

function rebinds({ faults, spreads }: Evidence): string {
  const rows = faults.flatMap(({ what, rebinds }) =>
    rebinds.map(one => [
      ...[what, one.session, one.address],
      ms(one.okAfterBindMs),
      ms(one.okAfterConnectMs),
      ms(one.dueAfterBindMs ?? null),
      ms(one.meanwhileMs ?? null),
    ]),
  )
  if (rows.length === 0) return ''
  const without = faults.flatMap(fault => fault.rebinds).filter(one => one.okAfterBindMs === null)
  const summary = [
    ['from bind_resp', spreadWords(spreads.okAfterBindMs)],
    ['from the beginning of the connection', spreadWords(spreads.okAfterConnectMs)],
    ...(without.length === 0 ? [] : [['ended before one came', String(without.length)]]),
  ]
  const heads = [
    ...['fault', 'session', 'bound at', 'from bind_resp', 'from connecting'],
    ...['until a message was due', 'any message meanwhile'],
  ]
  return `<h2>Rebinds, to the first ESME_ROK</h2><p class="dim">Sessions that came back after a fault, each until
its first positive submit_sm_resp. From the beginning of the connection that became the session: the TCP handshake, the
bind and the hashing of its password are in it, attempts that failed are not.</p>${table(null, summary)}
<details><summary>Each rebind (${rows.length})</summary>${table(heads, rows)}</details>`
}

function books({ books, duplicateBound, latencyMs, gaps }: Evidence): string {
  if (books === null) return ''
  const refused = Object.entries(books.refused).map(([status, count]) => `${status} ${count}`)
  const known = (text: number | string): string =>
    books.byReceipts === true ? 'not known: the SMSC does not tell' : String(text)
  const rows: string[][] = [
    ['acknowledged by the gateway', String(books.acknowledged)],
    ['refused, by command_status', refused.join(', ') || '0'],
    ['sent by ESMEs and never answered', String(books.unanswered)],
    ['different messages that the SMSC took', known(books.reachedSmsc)],
    [
      books.byReceipts === true
        ? 'lost, as far as receipts show'
        : 'lost: acknowledged, never at the SMSC',
      String(books.lost),
    ],
    ['acknowledged, without a receipt', String(books.receiptsMissing)],
    [
      'sent twice upstream',
      known(`${books.duplicatedUpstream}; the bound is ${duplicateBound?.bound ?? 0}`),
    ],
    ['second receipts of a message', String(books.duplicatedReceipts)],
    ['refused, and sent upstream nevertheless', known(books.refusedButSent)],
    ['unanswered, and sent upstream', known(books.unansweredButSent)],
    ['longest gap on all sessions', ms(gaps.all)],
    ['sessions that broke', String(gaps.sessionsThatBroke)],
  ]
  if (latencyMs !== null) {
    const { p50, p95, p99, max } = latencyMs
    rows.push(['latency', `p50 ${ms(p50)} · p95 ${ms(p95)} · p99 ${ms(p99)} · max ${ms(max)}`])
  }
  return `<h2>Books, message by message</h2>${table(null, rows)}`
}

function measured({ measured }: Evidence): string {
  const rows = Object.entries(measured).map(([name, value]) => [name, String(value ?? '-')])
  return rows.length === 0 ? '' : `<h2>Measured besides</h2>${table(null, rows)}`
}

type Cell = string | { html: string }

/** @param heads  plain words; null: the first column names the row */
function table(heads: readonly string[] | null, rows: readonly (readonly Cell[])[]): string {
  const cell = (content: Cell, i: number): string => {
    const html = typeof content === 'string' ? escape(content) : content.html
    return heads === null && i === 0 ? `<th>${html}</th>` : `<td>${html}</td>`
  }
  const head = heads === null ? '' : `<tr>${heads.map(text => `<th>${text}</th>`).join('')}</tr>`
  const body = rows.map(row => `<tr>${row.map(cell).join('')}</tr>`).join('')
  return `<div class="wide"><table${heads === null ? ' class="pairs"' : ''}>${head}${body}</table></div>`
}

function ms(value: number | null): string {
  if (value === null) return '-'
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value)} ms`
}

function spreadWords(spread: Spread | null): string {
  if (spread === null) return '-'
  const { p50, p95, max, count } = spread
  return `p50 ${ms(p50)} · p95 ${ms(p95)} · max ${ms(max)} of ${count}`
}

function megabytes(octets: number): string {
  return `${(octets / 1e6).toFixed(1)} MB`
}

const key = (words: string, colour: string, shape: 'box' | 'line' | 'dashes'): string =>
  `<span class="item"><span class="key ${shape}" style="color:${colour}"></span>${words}</span>`

const LEGEND = `<p class="dim legend">${[
  key('offered and taken', '#888', 'dashes'),
  key('acknowledged', '#16a34a', 'line'),
  key('taken by the SMSC', '#ea580c', 'line'),
  key('latency p50', '#0f766e', 'line'),
  key('p95', '#d97706', 'line'),
  key('p99', '#dc2626', 'line'),
  ...Object.entries(ROLE_COLOURS).map(([role, colour]) => key(role, colour, 'box')),
].join(' ')}</p>`

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--dim:#5f5f5f;--rule:#ddd;--lane:#fafafa;--pre:#f5f5f4;--bad:#b91c1c;--good:#15803d}
@media (prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#161616;--dim:#a3a3a3;--rule:#3a3a3a;--lane:#1d1d1d;--pre:#222;--bad:#f87171;--good:#4ade80}}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:var(--ink);background:var(--paper)}
h1{font-size:1.6em}h2{font-size:1.15em;margin-top:1.8em}.dim{color:var(--dim)}
.wide{overflow-x:auto}.plot{min-width:760px}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--rule);padding:.3em .6em;text-align:left;vertical-align:top}
th{font-weight:600;color:var(--dim)}.pairs{width:auto}.pairs th{white-space:nowrap;font-weight:400}
pre{background:var(--pre);padding:.8em;overflow:auto;max-height:30em}summary{cursor:pointer;margin:1em 0}
.badge{padding:.1em .6em;border-radius:.6em;color:#fff;font-size:.85em;white-space:nowrap}.ok{background:#15803d}.bad{background:#b91c1c}.goal{background:#b45309}
.legend .item{white-space:nowrap;margin-right:1em}
.key{display:inline-block;width:1em;height:.9em;margin-right:.35em;vertical-align:-1px}
.key.box{background:currentColor;border-radius:2px}.key.line{height:0;border-top:3px solid;vertical-align:4px}.key.dashes{height:0;border-top:2px dashed;vertical-align:4px}
svg{width:100%;height:auto;display:block}svg text{font:10px system-ui,sans-serif;fill:var(--dim)}svg .title{font-weight:600;font-size:11px}
.end{text-anchor:end}.middle{text-anchor:middle}.lane{fill:var(--lane);stroke:var(--rule)}.grid{stroke:var(--rule);fill:none}
.line{fill:none;stroke-width:1.4}.offered{stroke:#888;stroke-dasharray:3 2}.acknowledged{stroke:#16a34a}.upstream{stroke:#ea580c}
.p50{stroke:#0f766e}.p95{stroke:#d97706}.p99{stroke:#dc2626}
.mark{stroke-width:1;fill:none}.mark.fault{stroke:var(--bad)}.mark.recovery{stroke:var(--good);stroke-dasharray:3 3}
li.mark-fault::marker{color:var(--bad)}li.mark-recovery::marker{color:var(--good)}svg .mark-fault{fill:var(--bad)}svg .mark-recovery{fill:var(--good)}
@media (max-width:600px){body{margin:1em auto;padding:0 .7em}td,th{padding:.3em .35em}td:first-child,th:first-child{padding-left:0}.pairs th{white-space:normal}}
@media print{.wide{overflow:visible}.plot{min-width:0}pre{max-height:none}}
`
