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
      `<text x="${LEFT}" y="${y - 5}" class="title">${title}</text>`,
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

  lane('messages a second', RATES.y, RATES.height)
  const rateY = (value: number): number => RATES.y + RATES.height * (1 - value / top)
  const rateStep = niceStep(top / 3)
  for (let rate = 0; rate <= top; rate += rateStep) {
    const y = n(rateY(rate))
    if (rate > 0) parts.push(`<path d="M${LEFT},${y}h${WIDTH}" class="grid"/>`)
    parts.push(`<text x="${LEFT - 6}" y="${n(rateY(rate) + 3)}" class="label end">${rate}</text>`)
  }
  line(perSecond(offered), rateY, 'line offered')
  line(perSecond(upstream), rateY, 'line upstream')
  line(perSecond(acknowledged), rateY, 'line acknowledged')

  const slowest = Math.max(10, ...latencyMs.p99.map(value => value ?? 0))
  const decades = Math.ceil(Math.log10(slowest))
  lane('submit_sm to submit_sm_resp, ms (logarithmic)', LATENCY.y, LATENCY.height)
  const latencyY = (value: number): number =>
    LATENCY.y + LATENCY.height * (1 - Math.log10(Math.max(1, value)) / decades)
  for (let decade = 0; decade <= decades; decade++) {
    const y = latencyY(10 ** decade)
    if (decade > 0 && decade < decades) {
      parts.push(`<path d="M${LEFT},${n(y)}h${WIDTH}" class="grid"/>`)
    }
    parts.push(`<text x="${LEFT - 6}" y="${n(y + 3)}" class="label end">${10 ** decade}</text>`)
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
  const labels = placeLabels(
    evidence.marks.map(({ atMs, text }, i) => ({ at: x(atMs), number: String(i + 1), text })),
  )
  evidence.marks.forEach(({ atMs, text, kind }, i) => {
    const at = n(x(atMs))
    const label = labels[i]
    const lineTop = label === undefined ? RATES.y : label.y
    parts.push(`<path d="M${at},${n(lineTop)}V${bottom}" class="mark ${kind}"/>`)
    if (label === undefined) return
    const side = label.toTheLeft
      ? `x="${n(x(atMs) - 3)}" class="label end `
      : `x="${n(x(atMs) + 3)}" class="label `
    parts.push(
      `<text y="${n(label.y + 8)}" ${side}mark-${kind}">${escape(label.text)}` +
        `<title>${escape(text)}</title></text>`,
    )
  })
  const stepMs = [1, 2, 5, 10, 20, 30, 60, 120].map(s => s * 1000).find(s => spanMs / s < 14)
  for (let ms = 0; ms <= spanMs; ms += stepMs ?? 300_000) {
    parts.push(
      `<text x="${n(x(startedAtMs + ms))}" y="${bottom + 14}" class="label middle">${ms / 1000} s</text>`,
    )
  }
  const above = Math.min(MARKS_Y, ...labels.map(label => label?.y ?? MARKS_Y)) - 2
  const box = `0 ${above} ${LEFT + WIDTH + 12} ${bottom + 22 - above}`
  return `<svg viewBox="${box}" role="img" aria-label="timeline">${parts.join('\n')}</svg>`
}

/** 1, 2 or 5 times a power of ten, at least `least`, and at least 1. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= least) ?? power
}

export const ROLE_COLOURS: Record<Role, string> = {
  leader: '#2563eb',
  follower: '#a7c4f2',
  'no leader': '#f5b942',
  silent: '#a855f7',
  down: '#57534e',
}

export function escape(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, character => names[character]!)
}

interface Label {
  y: number
  /** It stands at the left of its line, for there is no room at the right. */
  toTheLeft: boolean
  text: string
}

/**
 * Where the labels of marks stand so that none lies on another: in the first of a few rows that has room,
 * shortened where the whole text has none in any; without room for its number a mark has no label.
 *
 * @param marks  `at` is the place of the line, in pixels
 */
export function placeLabels(
  marks: readonly { at: number; number: string; text: string }[],
): (Label | undefined)[] {
  const taken: [lo: number, hi: number][][] = Array.from({ length: MARK_ROWS }, () => [])
  return marks.map(({ at, number, text }) => {
    for (const words of [`${number} ${text}`, `${number} ${shortened(text)}`, number]) {
      const width = words.length * LETTER + 8
      for (const [row, spans] of taken.entries()) {
        for (const toTheLeft of [false, true]) {
          const [lo, hi] = toTheLeft ? [at - width, at] : [at, at + width]
          if (lo < 0 || hi > LEFT + WIDTH + 12) continue
          if (spans.some(span => lo < span[1] && span[0] < hi)) continue
          spans.push([lo, hi])
          return { y: MARKS_Y - row * MARK_ROW, toTheLeft, text: words }
        }
      }
    }
    return undefined
  })
}

/** Whole words, at most SHORT letters. */
function shortened(text: string): string {
  if (text.length <= SHORT) return text
  return `${text.slice(0, SHORT).replace(/[\s,]+\S*$/, '')}…`
}

const SHORT = 24
/** Width of a letter, rather more than less. */
const LETTER = 5.6
const LEFT = 64
const WIDTH = 1_000
/** The lowest row of labels; others stand above it, and the picture grows that way. */
const MARKS_Y = 4
const MARK_ROW = 13
const MARK_ROWS = 5
const RATES = { y: MARKS_Y + MARK_ROW + 20, height: 130 }
const LATENCY = { y: RATES.y + 160, height: 130 }
const ROLES_Y = LATENCY.y + 160

const n = (value: number): string => value.toFixed(1)
