import { placesOf } from './profile-places.js'
import { selfTimes, WHOLE, type CpuProfile, type Span } from './profile.js'

/** Functions that are shown, once each: name, file and line, group. */
export type Frame = [name: string, at: string, group: string]

/** A function called from one stack of others: its frame, µs on top of the stack, µs with all below it, whom it called. */
export type Flame = [frame: number, selfUs: number, totalUs: number, called: Flame[]]

export interface FlameGraph {
  title: string
  root: Flame
}

export interface ProfileOf {
  title: string
  profile: CpuProfile
  span?: Span
}

/** Less than this share of a graph is too narrow to be seen, and left out; its time stays in its caller's. */
const LEAST_SHARE = 1 / 10_000

/** One graph for each profile; they share the frames. Idle time is left out. */
export function flameGraphs(profiles: readonly ProfileOf[]): {
  frames: Frame[]
  graphs: FlameGraph[]
} {
  const frames = new Frames()
  const graphs = profiles.map(({ title, profile, span = WHOLE }) => {
    const root = treeOf(profile, span, frames)
    return { title, root: pruned(root, root.totalUs * LEAST_SHARE) }
  })
  return { frames: frames.all, graphs }
}

class Frames {
  readonly all: Frame[] = []
  private readonly numbers: Map<string, number> = new Map()

  numberOf(frame: Frame): number {
    const key = frame.join('\n')
    let number = this.numbers.get(key)
    if (number === undefined) {
      number = this.all.push(frame) - 1
      this.numbers.set(key, number)
    }
    return number
  }
}

/** A node of the graph while it is gathered: nodes of the profile with the same stack of frames are one. */
interface Branch {
  frame: number
  selfUs: number
  totalUs: number
  called: Map<number, Branch>
}

function treeOf(profile: CpuProfile, span: Span, frames: Frames): Branch {
  const places = placesOf(profile)
  const times = selfTimes(profile, span)
  const byId = new Map(profile.nodes.map(node => [node.id, node]))
  const root = branch(frames.numberOf(['all that was busy', '', 'root']))
  const gather = (id: number, into: Branch): void => {
    const node = byId.get(id)
    const place = places.get(id)
    if (node === undefined || place === undefined || place.group === 'idle') return
    const { name, file, line, group } = place
    let mine = into
    if (name !== '(root)') {
      const frame = frames.numberOf([name, line === 0 ? file : `${file}:${line}`, group])
      mine = into.called.get(frame) ?? branch(frame)
      into.called.set(frame, mine)
    }
    mine.selfUs += times.get(id) ?? 0
    for (const child of node.children ?? []) gather(child, mine)
  }
  const called = new Set(profile.nodes.flatMap(node => node.children ?? []))
  for (const { id } of profile.nodes) if (!called.has(id)) gather(id, root)
  addUp(root)
  return root
}

function branch(frame: number): Branch {
  return { frame, selfUs: 0, totalUs: 0, called: new Map() }
}

function addUp(branch: Branch): number {
  branch.totalUs = branch.selfUs
  for (const one of branch.called.values()) branch.totalUs += addUp(one)
  return branch.totalUs
}

/** The widest first, so that the same code gives the same picture. */
function pruned({ frame, selfUs, totalUs, called }: Branch, leastUs: number): Flame {
  const kept = [...called.values()]
    .filter(one => one.totalUs > leastUs)
    .sort((a, b) => b.totalUs - a.totalUs)
  return [frame, selfUs, totalUs, kept.map(one => pruned(one, leastUs))]
}
