import { readFileSync } from 'node:fs'
import { placesOf } from './profile-places.js'

/** What V8 writes with --cpu-prof: what we read of it. */
export interface CpuProfile {
  nodes: ProfileNode[]
  samples: number[]
  /** µs before each sample. */
  timeDeltas: number[]
  /** When it began: µs of the clock that process.hrtime() reads too. */
  startTime: number
}

export interface ProfileNode {
  id: number
  /** `lineNumber` counts from 0, in the file that runs: build/, not the source. */
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[] | undefined
}

/** Of a profile, what lies between: µs by process.hrtime(). */
export interface Span {
  fromUs: number
  toUs: number
}

export const WHOLE: Span = { fromUs: 0, toUs: Infinity }

/** Shares of the main thread's busy time; idle time is left out. */
export interface ProfileSummary {
  busyMs: number
  idleMs: number
  groups: { group: string; share: number }[]
  top: { function: string; group: string; share: number }[]
}

/** Self time by room or library (profile-places.ts), and the functions with the most of it. */
export function summarise(
  profiles: readonly CpuProfile[],
  span: Span = WHOLE,
  topMax = 10,
): ProfileSummary {
  const byGroup = new Map<string, number>()
  const byFunction = new Map<string, { group: string; us: number }>()
  let idleUs = 0
  let busyUs = 0
  for (const profile of profiles) {
    const places = placesOf(profile)
    for (const [id, us] of selfTimes(profile, span)) {
      const place = places.get(id)
      if (place === undefined) continue
      if (place.group === 'idle') {
        idleUs += us
        continue
      }
      busyUs += us
      byGroup.set(place.group, (byGroup.get(place.group) ?? 0) + us)
      const label = place.file === '' ? place.name : `${place.name} (${place.file})`
      const one = byFunction.get(label) ?? { group: place.group, us: 0 }
      one.us += us
      byFunction.set(label, one)
    }
  }
  const share = (us: number): number => (busyUs === 0 ? 0 : Math.round((us * 1000) / busyUs) / 1000)
  return {
    busyMs: Math.round(busyUs / 1000),
    idleMs: Math.round(idleUs / 1000),
    groups: [...byGroup]
      .sort(([, a], [, b]) => b - a)
      .map(([group, us]) => ({ group, share: share(us) })),
    top: [...byFunction]
      .sort(([, a], [, b]) => b.us - a.us)
      .slice(0, topMax)
      .map(([name, { group, us }]) => ({ function: name, group, share: share(us) })),
  }
}

/** µs that each node of a profile was on top of the stack, within the span. */
export function selfTimes(profile: CpuProfile, span: Span): Map<number, number> {
  const times = new Map<number, number>()
  let atUs = profile.startTime
  for (const [i, id] of profile.samples.entries()) {
    const us = Math.max(0, profile.timeDeltas[i] ?? 0)
    atUs += us
    if (atUs >= span.fromUs && atUs < span.toUs) times.set(id, (times.get(id) ?? 0) + us)
  }
  return times
}

export function readProfile(path: string): CpuProfile {
  return JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
}
