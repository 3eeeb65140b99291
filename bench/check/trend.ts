import type { Path } from '../load.js'
import type { Entry } from './history.js'

/** A commit, and where a path stands at it: 1 is where the history begins. */
export interface Point {
  commit: string
  /** Product of the ratios on the way to it. */
  level: number
}

const PATHS: readonly Path[] = ['accept', 'dispatch', 'receipts']
const COLOURS: Record<Path, string> = {
  accept: '#2563a8',
  dispatch: '#b4581a',
  receipts: '#3a7d44',
}

/**
 * The level of a path, commit by commit. An entry counts where what it was compared with is in the chain: the first
 * one begins it. Rates of different days are not comparable, ratios of one run are.
 */
export function levels(entries: readonly Entry[], path: Path): Point[] {
  const known = new Map<string, number>()
  const points: Point[] = []
  for (const { commit, before, paths } of entries) {
    const ratio = paths.find(one => one.path === path)?.throughput.median
    if (ratio === undefined) continue
    if (points.length === 0) {
      known.set(before, 1)
      points.push({ commit: before, level: 1 })
    }
    const level = known.get(before)
    if (level === undefined) continue
    known.set(commit, level * ratio)
    points.push({ commit, level: level * ratio })
  }
  return points
}

const WIDTH = 720
const HEIGHT = 260
const LEFT = 48
const RIGHT = 96
const TOP = 16
const BOTTOM = 44

/** Throughput by commit, each path relative to its beginning: a picture of its own, with no script and no font. */
export function trendSvg(entries: readonly Entry[]): string {
  const lines = PATHS.map(path => ({ path, points: levels(entries, path) })).filter(
    ({ points }) => points.length > 0,
  )
  const all = lines.flatMap(({ points }) => points)
  const most = Math.max(1.25, ...all.map(({ level }) => level)) * 1.04
  const commits = [...new Set(all.map(({ commit }) => commit))]
  const x = (commit: string): number =>
    round(
      LEFT + (commits.indexOf(commit) * (WIDTH - LEFT - RIGHT)) / Math.max(1, commits.length - 1),
    )
  const y = (level: number): number => round(TOP + (1 - level / most) * (HEIGHT - TOP - BOTTOM))
  const grid = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3, 4].filter(level => level <= most)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    '<title>Messages accepted a second, by commit, relative to the first</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...grid.map(
      level =>
        `<path d="M${LEFT} ${y(level)}H${WIDTH - RIGHT}" stroke="${level === 1 ? '#888' : '#ddd'}"/>` +
        `<text x="${LEFT - 6}" y="${y(level) + 4}" text-anchor="end">× ${level}</text>`,
    ),
    ...commits.map(
      commit =>
        `<text x="${x(commit)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${commit.slice(0, 7)}</text>`,
    ),
    ...lines.map(({ path, points }) => lineOf(path, points, x, y)),
    ...labels(lines, y),
    '</svg>',
    '',
  ].join('\n')
}

function lineOf(
  path: Path,
  points: readonly Point[],
  x: (commit: string) => number,
  y: (level: number) => number,
): string {
  const way = points.map(({ commit, level }, i) => `${i === 0 ? 'M' : 'L'}${x(commit)} ${y(level)}`)
  const dots = points.map(
    ({ commit, level }) =>
      `<circle cx="${x(commit)}" cy="${y(level)}" r="3" fill="${COLOURS[path]}"/>`,
  )
  return `<path d="${way.join('')}" fill="none" stroke="${COLOURS[path]}" stroke-width="2"/>${dots.join('')}`
}

const LABEL_HEIGHT = 14

/** Beside the ends of the lines, moved apart where these meet. */
function labels(
  lines: readonly { path: Path; points: readonly Point[] }[],
  y: (level: number) => number,
): string[] {
  let lowest = -Infinity
  return lines
    .map(({ path, points }) => ({ path, at: y(points.at(-1)!.level), level: points.at(-1)!.level }))
    .sort((a, b) => a.at - b.at)
    .map(({ path, at, level }) => {
      lowest = Math.max(at, lowest + LABEL_HEIGHT)
      const text = `${path} × ${level.toFixed(2)}`
      return `<text x="${WIDTH - RIGHT + 8}" y="${lowest + 4}" fill="${COLOURS[path]}">${text}</text>`
    })
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
