/** Clocks further apart than this do not agree (DESIGN I7). */
export const CLOCK_APART_MS = 2000

/**
 * What a node should think of its clock.
 *
 * - agrees: with a majority of voters, or too few are known to say
 * - outvoted: a majority of voters agree among themselves, and this node differs from them
 * - scattered: clocks are known to differ, and no majority agrees
 */
export type ClockJudgement = 'agrees' | 'outvoted' | 'scattered'

/**
 * @param offsets  how far the other voters' clocks are ahead of ours, in ms, as far as known
 * @param voters   how many there are, this node among them
 */
export function judgeClock(offsets: readonly number[], voters: number): ClockJudgement {
  const all = [0, ...offsets].sort((a, b) => a - b)
  const majority = Math.floor(voters / 2) + 1
  // Each group that agrees begins at some clock and reaches CLOCK_APART_MS from there.
  const agreeing = all
    .map((from, i) => all.slice(i).filter(offset => offset <= from + CLOCK_APART_MS))
    .filter(group => group.length >= majority)
  if (agreeing.some(group => group.includes(0))) return 'agrees'
  if (agreeing.some(group => group.every(offset => Math.abs(offset) > CLOCK_APART_MS)))
    return 'outvoted'
  const apart = all.at(-1)! - all[0]! > CLOCK_APART_MS
  return apart && agreeing.length === 0 && all.length >= majority ? 'scattered' : 'agrees'
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
