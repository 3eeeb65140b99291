import type { Evidence } from './evidence.js'
import type { Timeline } from './timeline.js'
import type { Role } from './watch.js'

/** The plot: throughput, latency, what each node was, and what was done, over one axis of time. */
export function timelineSvg(evidence: Evidence, timeline: Timeline): string {
  const { startedAtMs, bucketMs, offered, acknowledged, upstream, latencyMs } = timeline
  const spanMs = offered.length * bucketMs
  const x = (atMs: number): number =>
    LEFT + Math.max(0, Math.min(1, (atMs - startedAtMs) / spanMs)) * WIDTH
  const parts: string[] = []
  const perSecond = (counts: readonly number[]): number[] =>
    counts.map(count => (count * 1000) / bucketMs)
  const top = Math.max(1, ...perSecond(offered), ...perSecond(acknowledged), ...perSecond(upstream))

  const lane = (title: string, y: number, height: number): void => {
    parts.push(
      `<rect x="${LEFT}" y="${y}" width="${WIDTH}" height="${height}" class="lane"/>`,
      `<text x="${LEFT}" y="${y - 6}" class="title">${title}</text>`,
    )
  }
  const line = (values: readonly (number | null)[], y: (value: number) => number, name: string) => {
    let path = ''
    let pen = false
    values.forEach((value, i) => {
      if (value === null) pen = false
      else {
        const at = `${n(x(startedAtMs + (i + 0.5) * bucketMs))},${n(y(value))}`
        path += `${pen ? 'L' : 'M'}${at}`
        pen = true
      }
    })
    parts.push(`<path d="${path}" class="${name}"/>`)
  }

  lane(`messages a second (top: ${Math.round(top)})`, RATES.y, RATES.height)
  const rateY = (value: number): number => RATES.y + RATES.height * (1 - value / top)
  line(perSecond(offered), rateY, 'line offered')
  line(perSecond(upstream), rateY, 'line upstream')
  line(perSecond(acknowledged), rateY, 'line acknowledged')

  const slowest = Math.max(10, ...latencyMs.p99.map(value => value ?? 0))
  const decades = Math.ceil(Math.log10(slowest))
  lane(
    `submit_sm to submit_sm_resp, ms (logarithmic, 1 to ${10 ** decades})`,
    LATENCY.y,
    LATENCY.height,
  )
  const latencyY = (value: number): number =>
    LATENCY.y + LATENCY.height * (1 - Math.log10(Math.max(1, value)) / decades)
  for (let decade = 1; decade < decades; decade++) {
    const y = n(latencyY(10 ** decade))
    parts.push(
      `<path d="M${LEFT},${y}h${WIDTH}" class="grid"/>`,
      `<text x="${LEFT - 6}" y="${y}" class="label end">${10 ** decade}</text>`,
    )
  }
  line(latencyMs.p99, latencyY, 'line p99')
  line(latencyMs.p95, latencyY, 'line p95')
  line(latencyMs.p50, latencyY, 'line p50')

  const endMs = startedAtMs + spanMs
  parts.push(`<text x="${LEFT}" y="${ROLES_Y - 6}" class="title">what each node was</text>`)
  for (let node = 1; node <= evidence.settings.size; node++) {
    const y = ROLES_Y + (node - 1) * 22
    parts.push(`<text x="${LEFT - 6}" y="${y + 12}" class="label end">node ${node}</text>`)
    const changes = evidence.roles.filter(change => change.node === node)
    changes.forEach((change, i) => {
      const toMs = Math.min(endMs, changes[i + 1]?.atMs ?? endMs)
      const width = x(toMs) - x(change.atMs)
      if (width <= 0) return
      const colour = ROLE_COLOURS[change.role]
      parts.push(
        `<rect x="${n(x(change.atMs))}" y="${y}" width="${n(width)}" height="16" fill="${colour}">` +
          `<title>node ${node}: ${change.role}</title></rect>`,
      )
    })
  }
  const bottom = ROLES_Y + evidence.settings.size * 22
  evidence.marks.forEach(({ atMs, text, kind }, i) => {
    const at = n(x(atMs))
    parts.push(
      `<path d="M${at},${RATES.y}V${bottom}" class="mark ${kind}"/>`,
      `<text x="${at}" y="${MARKS_Y + (i % 2) * 11}" class="label mark-${kind}">${i + 1}` +
        `<title>${escape(text)}</title></text>`,
    )
  })
  const stepMs = [1, 2, 5, 10, 20, 30, 60, 120].map(s => s * 1000).find(s => spanMs / s < 14)
  for (let ms = 0; ms <= spanMs; ms += stepMs ?? 300_000) {
    parts.push(
      `<text x="${n(x(startedAtMs + ms))}" y="${bottom + 14}" class="label middle">${ms / 1000} s</text>`,
    )
  }
  const height = bottom + 22
  const box = `0 0 ${LEFT + WIDTH + 12} ${height}`
  return `<svg viewBox="${box}" role="img" aria-label="timeline">${parts.join('\n')}</svg>`
}

export const ROLE_COLOURS: Record<Role, string> = {
  leader: '#2563eb',
  follower: '#a7c4f2',
  'no leader': '#f5b942',
  silent: '#a855f7',
  down: '#444444',
}

export function escape(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, character => names[character]!)
}

const LEFT = 64
const WIDTH = 1_000
const MARKS_Y = 12
const RATES = { y: 46, height: 130 }
const LATENCY = { y: 206, height: 130 }
const ROLES_Y = 366

const n = (value: number): string => value.toFixed(1)
