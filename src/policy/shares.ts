/** Shares are whole millionths of an account's rate, so that sums are exact and a new rate counts at once. */
export const WHOLE = 1_000_000
/** What a node with a session keeps without any demand, so that it can start at once. */
export const FLOOR = WHOLE / 100
/** Changes below are not worth a message. */
const STEP = WHOLE / 200
/** Demand is met with this much room to grow until the next look. */
const HEADROOM = 1.25

/** One node's part in one account's rate, as the allocator knows it. */
export interface Part {
  node: number
  /** It has sessions that may submit, or submits over HTTP. */
  active: boolean
  /** Submits asked for, passed or throttled, a second. */
  demand: number
  /** What it said last that it holds. */
  held: number
  /** What it was granted last; it may hold that already, until it says so. Equals `held` once it did. */
  granted: number
}

export interface Grant {
  node: number
  units: number
}

/**
 * What each part should be: nothing where nobody submits, a floor for each active one, then demand
 * (max-min fair where there is not enough), and what is left evenly. Sums to WHOLE, but for rounding down, where one is active.
 */
export function shareOut(
  ratePerSecond: number,
  parts: readonly Pick<Part, 'active' | 'demand'>[],
): number[] {
  const active = parts.filter(part => part.active).length
  if (active === 0) return parts.map(() => 0)
  const floor = Math.min(FLOOR, Math.floor(WHOLE / active))
  const wanted = parts.map(part => {
    const units = Math.ceil((part.demand * HEADROOM * WHOLE) / ratePerSecond)
    return part.active ? Math.min(WHOLE, Math.max(0, units - floor)) : 0
  })
  const level = waterLevel(wanted, WHOLE - active * floor)
  const shares = parts.map((part, i) => (part.active ? floor + Math.min(level, wanted[i]!) : 0))
  const left = WHOLE - shares.reduce((sum, units) => sum + units, 0)
  return shares.map((units, i) => (parts[i]!.active ? units + Math.floor(left / active) : 0))
}

/**
 * The next step from what nodes hold towards what they should: cuts at once, raises only out of what no
 * node can hold, whatever became of messages. A part that has not acknowledged its last grant gets no other.
 *
 * @param mayRaise  false while some node's part is not known
 */
export function rebalance(
  ratePerSecond: number,
  parts: readonly Part[],
  mayRaise: boolean,
): Grant[] {
  const targets = shareOut(ratePerSecond, parts)
  const cuts: Grant[] = []
  const raises: Grant[] = []
  let free = WHOLE
  parts.forEach(({ node, held, granted, active }, i) => {
    free -= Math.max(held, granted)
    if (granted !== held) return
    const units = targets[i]!
    if (units < held && (held - units >= STEP || !active)) cuts.push({ node, units })
    if (units > held && (units - held >= STEP || held === 0)) raises.push({ node, units })
  })
  if (!mayRaise || free <= 0) return cuts
  const heldBy = new Map(parts.map(({ node, held }) => [node, held]))
  const wanted = raises.map(({ node, units }) => units - heldBy.get(node)!)
  const sum = wanted.reduce((total, units) => total + units, 0)
  const given = raises.flatMap(({ node }, i) => {
    const more = sum <= free ? wanted[i]! : Math.floor((wanted[i]! * free) / sum)
    return more === 0 ? [] : [{ node, units: heldBy.get(node)! + more }]
  })
  return [...cuts, ...given]
}

/** The level L, rounded down, at which the sum of min(L, wanted) is `amount`; Infinity where there is enough for all. */
function waterLevel(wanted: readonly number[], amount: number): number {
  const rising = [...wanted].sort((a, b) => a - b)
  let left = amount
  for (const [i, units] of rising.entries()) {
    const even = Math.floor(left / (rising.length - i))
    if (even < units) return even
    left -= units
  }
  return Infinity
}
