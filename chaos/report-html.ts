import type { Check, Evidence } from './evidence.js'
import type { Spread } from './gaps.js'
import { escape, ROLE_COLOURS, timelineSvg } from './report-svg.js'

/** The report: one file that needs nothing else to be read. */
export function reportHtml(evidence: Evidence): string {
  const { drill, summary, result, reason, timeline, says } = evidence
  const title = `${drill}: ${result}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>
<h1>${escape(drill)} <span class="badge ${result === 'passed' ? 'ok' : 'bad'}">${result}</span></h1>
<p>${escape(summary)}.</p>
${reason === undefined ? '' : `<p><b>Not run: ${escape(reason)}</b></p>`}
<p class="dim">${escape(about(evidence))}</p>
<ul class="dim">${says.map(text => `<li>${escape(text)}</li>`).join('')}</ul>
<h2>Verdicts</h2>
${table(['', 'check', 'found', 'expected'], evidence.checks.map(checkRow))}
${timeline === null ? '' : `<h2>Timeline</h2>${LEGEND}${timelineSvg(evidence, timeline)}${marks(evidence)}`}
${faults(evidence)}
${books(evidence)}
${measured(evidence)}
<h2>Nodes</h2>
${table(
  ['node', 'memory before', 'highest', 'after', 'data before', 'after'],
  evidence.nodes.map(({ node, rssBefore, rssMax, rssAfter, diskBefore, diskAfter }) => [
    String(node),
    ...[rssBefore, rssMax, rssAfter, diskBefore, diskAfter].map(megabytes),
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

function about(evidence: Evidence): string {
  const { carillon, build, machine, startedAt, tookMs, seed, settings } = evidence
  return (
    `${startedAt}, took ${(tookMs / 1000).toFixed(1)} s · Carillon ${carillon}, commit ` +
    `${build.commit ?? 'unknown'}, build ${build.hash} · ${settings.size} nodes, ` +
    `${settings.rate} messages a second · seed ${seed} · Node.js ${machine.node} on ${machine.platform}, ` +
    `${machine.cpus} processors, load ${machine.loadBefore.toFixed(1)} before and ` +
    `${machine.loadAfter.toFixed(1)} after`
  )
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
  const of = (spread: Spread | null): string =>
    spread === null
      ? '-'
      : `p50 ${ms(spread.p50)} · p95 ${ms(spread.p95)} · max ${ms(spread.max)} of ${spread.count}`
  rows.push([
    'all',
    of(spreads.newLeaderMs),
    of(spreads.upstreamMs),
    of(spreads.survivingGapMs),
    of(spreads.affectedGapMs),
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

function books({ books, duplicateBound, latencyMs, gaps }: Evidence): string {
  if (books === null) return ''
  const refused = Object.entries(books.refused).map(([status, count]) => `${status} ${count}`)
  const rows: string[][] = [
    ['acknowledged by the gateway', String(books.acknowledged)],
    ['refused, by command_status', refused.join(', ') || '0'],
    ['sent by ESMEs and never answered', String(books.unanswered)],
    ['different messages that the SMSC took', String(books.reachedSmsc)],
    ['lost: acknowledged, never at the SMSC', String(books.lost)],
    ['acknowledged, without a receipt', String(books.receiptsMissing)],
    [
      'sent twice upstream',
      `${books.duplicatedUpstream}; the bound is ${duplicateBound?.bound ?? 0}`,
    ],
    ['second receipts of a message', String(books.duplicatedReceipts)],
    ['refused, and sent upstream nevertheless', String(books.refusedButSent)],
    ['unanswered, and sent upstream', String(books.unansweredButSent)],
    ['longest gap on all sessions', ms(gaps.all)],
    ['sessions that broke', String(gaps.sessionsThatBroke)],
  ]
  if (latencyMs !== null) {
    const { p50, p95, p99, max } = latencyMs
    rows.push(['latency', `p50 ${ms(p50)} · p95 ${ms(p95)} · p99 ${ms(p99)} · max ${ms(max)}`])
  }
  return `<h2>Books, message by message</h2>${table(['', ''], rows)}`
}

function measured({ measured }: Evidence): string {
  const rows = Object.entries(measured).map(([name, value]) => [name, String(value ?? '-')])
  return rows.length === 0 ? '' : `<h2>Measured besides</h2>${table(['', ''], rows)}`
}

type Cell = string | { html: string }

function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (content: Cell): string =>
    `<td>${typeof content === 'string' ? escape(content) : content.html}</td>`
  return `<table><tr>${heads.map(head => `<th>${head}</th>`).join('')}</tr>${rows
    .map(row => `<tr>${row.map(cell).join('')}</tr>`)
    .join('')}</table>`
}

function ms(value: number | null): string {
  if (value === null) return '-'
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value)} ms`
}

function megabytes(octets: number): string {
  return `${(octets / 1e6).toFixed(1)} MB`
}

const LEGEND = `<p class="dim"><span class="key" style="background:#888"></span>offered and taken
<span class="key" style="background:#16a34a"></span>acknowledged
<span class="key" style="background:#ea580c"></span>taken by the SMSC
<span class="key" style="background:#0f766e"></span>p50 <span class="key" style="background:#d97706"></span>p95
<span class="key" style="background:#dc2626"></span>p99 &nbsp; ${Object.entries(ROLE_COLOURS)
  .map(([role, colour]) => `<span class="key" style="background:${colour}"></span>${role}`)
  .join(' ')}</p>`

const STYLE = `
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1b1b}
h1{font-size:1.6em}h2{font-size:1.15em;margin-top:1.8em}.dim{color:#666}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3em .6em;text-align:left;vertical-align:top}
th{font-weight:600;color:#666}pre{background:#f5f5f4;padding:.8em;overflow:auto;max-height:30em}
.badge{padding:.1em .6em;border-radius:.6em;color:#fff;font-size:.85em}.ok{background:#16a34a}.bad{background:#dc2626}.goal{background:#d97706}
.key{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 .8em;border-radius:2px;vertical-align:-1px}
svg{width:100%;height:auto}svg text{font:10px system-ui,sans-serif;fill:#555}svg .title{font-weight:600;font-size:11px}
.end{text-anchor:end}.middle{text-anchor:middle}.lane{fill:#fafafa;stroke:#ddd}.grid{stroke:#e5e5e5;fill:none}
.line{fill:none;stroke-width:1.4}.offered{stroke:#888;stroke-dasharray:3 2}.acknowledged{stroke:#16a34a}.upstream{stroke:#ea580c}
.p50{stroke:#0f766e}.p95{stroke:#d97706}.p99{stroke:#dc2626}
.mark{stroke-width:1;fill:none}.mark.fault{stroke:#dc2626}.mark.recovery{stroke:#16a34a;stroke-dasharray:3 3}
li.mark-fault::marker,svg .mark-fault{fill:#dc2626;color:#dc2626}li.mark-recovery::marker,svg .mark-recovery{fill:#16a34a;color:#16a34a}
@media (prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}td,th{border-color:#333}
.lane{fill:#1d1d1d;stroke:#333}.grid{stroke:#333}svg text{fill:#aaa}.dim,th{color:#999}}
`
