import { SeededRandom } from '../../src/base/random.js'

/** One thing that goes wrong, at a time of the world. `forMs`: how long, where it ends by itself. */
export type Fault = { atMs: number; aim?: Aim | undefined } & FaultKind

export type FaultKind =
  /** The process dies, `outputs` outputs later, and is started again. */
  | { kind: 'crash'; node: number; outputs: number; forMs: number }
  | { kind: 'crashAll'; forMs: number }
  /** Stopped and continued, as by SIGSTOP and SIGCONT. */
  | { kind: 'pause'; node: number; forMs: number }
  /** A home is stopped the moment a claim of it is committed elsewhere, and sleeps past its epoch. */
  | { kind: 'sleepyHome'; forMs: number }
  /** Ends in good order, and is started again. */
  | { kind: 'stop'; node: number; forMs: number }
  /** Records of one node to another wait, or go with their stream. */
  | { kind: 'cut'; from: number; to: number; forMs: number }
  /** No peer is reached, nor reaches it. */
  | { kind: 'isolate'; node: number; forMs: number }
  /** ESMEs and SMSCs are not reached. */
  | { kind: 'cutWorld'; node: number; forMs: number }
  | { kind: 'flap'; a: number; b: number; times: number }
  | { kind: 'slowLink'; from: number; to: number; delayMs: number; forMs: number }
  | { kind: 'lossy'; drop: number; duplicate: number; late: number; forMs: number }
  /** A port is said to refuse, and does not: mostly the leader's, whoever `about` names. */
  | { kind: 'lie'; node: number; about: number; forMs: number }
  | { kind: 'slowDisk'; node: number; writeMs: number; forMs: number }
  /** fsync fails: the node must die of it. */
  | { kind: 'failDisk'; node: number; forMs: number }
  /** Dies, and finds an octet of its log changed when it starts: it must notice, or never use it. */
  | { kind: 'corrupt'; node: number; forMs: number }
  | { kind: 'clock'; node: number; offsetMs: number; forMs: number }
  /** Both clocks of the node run at another rate. */
  | { kind: 'drift'; node: number; rate: number; forMs: number }
  | { kind: 'transfer'; to: number }
  /** A voter becomes a learner, or leaves, and votes again later. */
  | { kind: 'member'; node: number; change: 'demote' | 'remove'; forMs: number }
  /** A new node joins: learner first, then voter. Once a world. */
  | { kind: 'join'; voteAfterMs: number }
  | { kind: 'settings' }
  | { kind: 'resetEsmes'; share: number }
  | { kind: 'resetSmsc'; smsc: number; share: number }
  | { kind: 'smscDown'; smsc: number; forMs: number }
  | { kind: 'smscSilent'; smsc: number; share: number; forMs: number }
  /** Answers a share of messages that its queue is full. */
  | { kind: 'smscBusy'; smsc: number; share: number; forMs: number }
  /** Unbinds, and comes back later. */
  | { kind: 'leave'; esme: number; forMs: number }
  /** Leaves a share of deliver_sm without an answer. */
  | { kind: 'esmeDeaf'; esme: number; share: number; forMs: number }

/** What a node was meant for, looked up when the fault begins: the numbers say little about that. */
export type Aim = 'leader' | 'home'

export type FaultName = FaultKind['kind']

/** How often each comes, against the others. */
const WEIGHTS: Record<FaultName, number> = {
  crash: 14,
  crashAll: 1,
  pause: 8,
  sleepyHome: 3,
  stop: 2,
  cut: 6,
  isolate: 6,
  cutWorld: 2,
  flap: 3,
  slowLink: 4,
  lossy: 4,
  lie: 4,
  slowDisk: 4,
  failDisk: 2,
  corrupt: 1,
  clock: 2,
  drift: 2,
  member: 2,
  join: 1,
  transfer: 4,
  settings: 3,
  resetEsmes: 4,
  resetSmsc: 4,
  smscDown: 2,
  smscSilent: 3,
  smscBusy: 1,
  leave: 2,
  esmeDeaf: 3,
}

export interface ScheduleOptions {
  seed: number
  nodes: number
  /** Faults begin between `fromMs` and `toMs`. */
  fromMs: number
  toMs: number
  /** On average. */
  everyMs: number
  /** These kinds alone. */
  only?: readonly FaultName[] | undefined
}

/** The faults of a seed. Each seed leans on some kinds more than on others, so that storms of one kind come too. */
export function schedule({ seed, nodes, fromMs, toMs, everyMs, only }: ScheduleOptions): Fault[] {
  const random = new SeededRandom(seed)
  const weights = Object.entries(WEIGHTS).map(([name, weight]): [FaultName, number] => {
    const lean = random.unit()
    if (only !== undefined)
      return [name as FaultName, only.includes(name as FaultName) ? weight : 0]
    return [name as FaultName, weight * (lean < 0.3 ? 0 : lean > 0.85 ? 5 : 1)]
  })
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
  const pick = (): FaultName => {
    let left = random.unit() * total
    for (const [name, weight] of weights) if ((left -= weight) < 0) return name
    return only?.[0] ?? 'crash'
  }
  const faults: Fault[] = []
  const wait = (): number => -Math.log(1 - random.unit()) * everyMs
  for (let atMs = fromMs + wait(); atMs < toMs; atMs += wait())
    faults.push(aimed({ atMs: Math.round(atMs), ...draw(pick(), random, nodes) }, random))
  return faults
}

/** Faults of a node are for the leader, or a home, in two of three cases. */
function aimed(fault: Fault, random: SeededRandom): Fault {
  if (!AIMED.has(fault.kind)) return fault
  const aim = (['leader', 'home', undefined] as const)[random.below(3)]
  return aim === undefined ? fault : { ...fault, aim }
}

const AIMED: ReadonlySet<FaultName> = new Set<FaultName>([
  'crash',
  'pause',
  'isolate',
  'cutWorld',
  'slowDisk',
  'drift',
])

function draw(kind: FaultName, random: SeededRandom, nodes: number): FaultKind {
  const node = 1 + random.below(nodes)
  const other = 1 + ((node - 1 + 1 + random.below(nodes - 1)) % nodes)
  /** Short ones are more frequent than long ones. */
  const ms = (min: number, max: number): number =>
    Math.round(min * Math.pow(max / min, random.unit()))
  switch (kind) {
    case 'crash':
      return { kind, node, outputs: random.below(60), forMs: ms(5, 5000) }
    case 'crashAll':
      return { kind, forMs: ms(5, 2000) }
    case 'pause':
      return { kind, node, forMs: ms(30, 5000) }
    case 'sleepyHome':
      return { kind, forMs: ms(900, 4000) }
    case 'stop':
      return { kind, node, forMs: ms(10, 1000) }
    case 'cut':
      return { kind, from: node, to: other, forMs: ms(50, 4000) }
    case 'isolate':
    case 'cutWorld':
      return { kind, node, forMs: ms(50, 5000) }
    case 'flap':
      return { kind, a: node, b: other, times: 2 + random.below(8) }
    case 'slowLink':
      return { kind, from: node, to: other, delayMs: ms(5, 300), forMs: ms(200, 4000) }
    case 'lossy':
      return {
        kind,
        drop: random.unit() * 0.2,
        duplicate: random.unit() * 0.2,
        late: random.unit() * 0.2,
        forMs: ms(200, 4000),
      }
    case 'lie':
      return { kind, node, about: other, forMs: ms(20, 1500) }
    case 'slowDisk':
      return { kind, node, writeMs: ms(10, 900), forMs: ms(200, 3000) }
    case 'failDisk':
    case 'corrupt':
      return { kind, node, forMs: ms(50, 2000) }
    case 'clock': {
      const offsetMs = Math.round((random.unit() - 0.5) * (random.below(3) === 0 ? 20_000 : 3000))
      return { kind, node, offsetMs, forMs: ms(1000, 8000) }
    }
    case 'drift': {
      const rate = random.below(3) === 0 ? 0.5 + random.unit() * 1.5 : 0.95 + random.unit() / 10
      return { kind, node, rate: Math.round(rate * 1000) / 1000, forMs: ms(500, 6000) }
    }
    case 'member':
      return {
        kind,
        node,
        change: random.below(2) === 0 ? 'demote' : 'remove',
        forMs: ms(50, 3000),
      }
    case 'join':
      return { kind, voteAfterMs: ms(50, 2000) }
    case 'transfer':
      return { kind, to: node }
    case 'settings':
      return { kind }
    case 'resetEsmes':
      return { kind, share: random.unit() }
    case 'resetSmsc':
      return { kind, smsc: random.below(2), share: random.unit() }
    case 'smscDown':
      return { kind, smsc: random.below(2), forMs: ms(50, 3000) }
    case 'smscSilent':
      return { kind, smsc: random.below(2), share: random.unit() * 0.4, forMs: ms(200, 3000) }
    case 'smscBusy':
      return { kind, smsc: random.below(2), share: random.unit() * 0.3, forMs: ms(20, 300) }
    case 'leave':
      return { kind, esme: random.below(5), forMs: ms(20, 4000) }
    case 'esmeDeaf':
      return {
        kind,
        esme: 2 * random.below(2),
        share: 0.2 + random.unit() * 0.8,
        forMs: ms(50, 1500),
      }
  }
}

/** `14.200s crash node=2 outputs=7 forMs=300` */
export function faultText({ atMs, kind, ...rest }: Fault): string {
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`)
  return [`${(atMs / 1000).toFixed(3)}s`, kind, ...fields].join(' ')
}
