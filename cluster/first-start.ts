import { createHash } from 'node:crypto'

import type { Clock, Timers } from '../src/base/clock.js'
import type { Logger } from '../src/base/logger.js'
import type { NodeStore } from './node-store.js'
import { decodeFrame, encodeFrame } from './transport/frames.js'
import type { Member } from './types.js'

/** Nonces by node id. */
export type Nonces = Record<number, string>

/** What nodes tell each other before there is a cluster, and a new node when it joins one. */
export interface Greeting {
  version: 1
  id: number
  nonce: string
  /** Ids of the first members, as configured. */
  configured: number[]
  /** Nonces this node has gathered so far; once started, all that it remembers. */
  known: Nonces
  /** Undefined before the first start. */
  started?:
    | {
        clusterId: string
        nonces: Nonces
        members: number[]
        /** The newest membership that this node knows; programs of 0.1.0 do not say it. */
        membership?: KnownMembership | undefined
      }
    | undefined
}

/** Members as of an index of the log. */
export interface KnownMembership {
  index: number
  members: Member[]
}

export interface FirstStartContext {
  id: number
  nonce: string
  peers: readonly Member[]
  store: NodeStore
  clock: Clock
  timers: Timers
  logger: Logger
  signal: AbortSignal | undefined
  ask(address: string, greeting: Greeting): Promise<Greeting>
}

const ASK_MS = { first: 50, max: 500 }
const SAY_MS = 5000

/** This directory's node must not speak for that id any more. */
export class DataGone extends Error {
  override readonly name = 'DataGone'
}

/** SHA-256 over the sorted nonces, hex. */
export function clusterIdOf(nonces: Nonces): string {
  const sorted = Object.values(nonces).sort()
  return createHash('sha256').update(sorted.join('\n')).digest('hex')
}

/** What one round of greetings means. */
export type Verdict =
  | { kind: 'wait'; reason: string; missing: number[] }
  /** A cluster starts, or started without us knowing, with these nonces; ours is among them. */
  | { kind: 'start'; nonces: Nonces }
  /** The cluster started earlier, and took us in later. */
  | { kind: 'join'; clusterId: string; membership: KnownMembership }

/**
 * Judges the answers of all configured peers that answered. Throws `DataGone` where this id was
 * started with another nonce before.
 *
 * A cluster starts when all peers know the same complete set: a peer that lost its directory
 * between two rounds has a new nonce, and the others hear of it first.
 */
export function judge(
  own: { id: number; nonce: string; known: Nonces },
  peers: readonly Member[],
  answers: readonly Greeting[],
): Verdict {
  const ids = peers.map(peer => peer.id).sort((a, b) => a - b)
  const begun = answers.flatMap(({ id: from, started, known }) =>
    started === undefined ? [] : [{ from, started, known }],
  )
  for (const { from, started, known } of begun) {
    const recorded = started.nonces[own.id] ?? known[own.id]
    if (recorded !== undefined && recorded !== own.nonce) {
      throw new DataGone(
        `data of node ${own.id} is gone; add it under a new id: node ${from} knows it with other ` +
          `data, and a voter that has forgotten its votes must not come back`,
      )
    }
  }
  // a peer that lags, or was removed, does not know yet what another one says
  const clusters = new Set(begun.map(({ started }) => started.clusterId))
  if (clusters.size > 1) {
    const missing = begun.map(({ from }) => from)
    return { kind: 'wait', reason: 'peers belong to different clusters', missing }
  }
  for (const { started } of begun) {
    if (started.nonces[own.id] !== undefined) return { kind: 'start', nonces: started.nonces }
  }
  const ours = begun.flatMap(({ started }) => (started.members.includes(own.id) ? [started] : []))
  const newest = ours.sort((a, b) => indexOf(b) - indexOf(a))[0]
  if (newest !== undefined) {
    const membership = newest.membership ?? { index: 0, members: [...peers] }
    return { kind: 'join', clusterId: newest.clusterId, membership }
  }
  if (begun.length > 0) {
    return { kind: 'wait', reason: 'waiting to be added to the cluster', missing: [] }
  }
  const strange = answers.find(({ configured }) => configured.join() !== ids.join())
  if (strange !== undefined) {
    const reason = `node ${strange.id} is configured with peers ${strange.configured.join(', ')}`
    return { kind: 'wait', reason, missing: [strange.id] }
  }
  const complete = (known: Nonces): boolean => ids.every(id => known[id] === own.known[id])
  const missing = ids.filter(id => own.known[id] === undefined)
  if (missing.length > 0) return { kind: 'wait', reason: 'waiting for peers', missing }
  const behind = ids.filter(
    id => id !== own.id && !answers.some(({ id: from, known }) => from === id && complete(known)),
  )
  if (behind.length > 0) return { kind: 'wait', reason: 'waiting for peers', missing: behind }
  return { kind: 'start', nonces: own.known }
}

const indexOf = (started: NonNullable<Greeting['started']>): number =>
  started.membership?.index ?? 0

/**
 * Whether a member is one no longer, by what others say: a later membership that it is not in. Ids are
 * never given twice, so that nothing later takes it in again.
 *
 * @param own  `sinceIndex`: where it was taken in; `index`: of the newest membership that it knows
 */
export function isRemoved(
  own: { id: number; clusterId: string; sinceIndex: number; index: number },
  answers: readonly Greeting[],
): boolean {
  return answers.some(({ started }) => {
    if (started?.clusterId !== own.clusterId || started.membership === undefined) return false
    const { index, members } = started.membership
    const later = index > own.sinceIndex && index >= own.index
    return later && !members.some(member => member.id === own.id)
  })
}

/**
 * The first start of an empty directory: exchanges nonces with all peers until the cluster can
 * start, or turns out to have started. What was decided is on disk when this resolves.
 */
export class FirstStart {
  private readonly context: FirstStartContext
  private readonly known: Nonces

  constructor(context: FirstStartContext) {
    this.context = context
    this.known = { [context.id]: context.nonce }
  }

  greeting(): Greeting {
    const { id, nonce, peers } = this.context
    const configured = peers.map(peer => peer.id).sort((a, b) => a - b)
    return { version: 1, id, nonce, configured, known: { ...this.known } }
  }

  async run(): Promise<void> {
    const { clock, timers, logger, store, signal, id, nonce, peers } = this.context
    let saidAtMs = -Infinity
    for (let waitMs = ASK_MS.first; ; waitMs = Math.min(ASK_MS.max, waitMs * 1.3)) {
      const answers = await this.askAll()
      signal?.throwIfAborted()
      const verdict = judge({ id, nonce, known: this.known }, peers, answers)
      if (verdict.kind === 'start') {
        await store.recordFirst(verdict.nonces, peers)
        return
      }
      if (verdict.kind === 'join') {
        await store.recordJoined(verdict.clusterId, verdict.membership)
        return
      }
      if (clock.monotonicMs() - saidAtMs >= SAY_MS) {
        saidAtMs = clock.monotonicMs()
        logger.info(verdict.reason, { missing: verdict.missing })
      }
      await new Promise<void>(resolve => timers.after(waitMs, resolve))
      signal?.throwIfAborted()
    }
  }

  private async askAll(): Promise<Greeting[]> {
    const { id, peers, logger } = this.context
    const others = peers.filter(peer => peer.id !== id)
    const answers = await Promise.all(
      others.map(async peer => {
        try {
          const answer = await this.context.ask(peer.address, this.greeting())
          if (answer.id === peer.id) return answer
          logger.warn('a peer says it is another node', { peer: peer.id, says: answer.id })
        } catch (error) {
          logger.debug('peer does not answer', { peer: peer.id, error: String(error) })
        }
        return undefined
      }),
    )
    const found = answers.filter(answer => answer !== undefined)
    for (const { id: from, nonce } of found) this.known[from] = nonce
    return found
  }
}

export function encodeGreeting(greeting: Greeting): Buffer {
  return encodeFrame([Buffer.from(JSON.stringify(greeting))])
}

/** Throws where it is no greeting of this version. */
export function decodeGreeting(octets: Buffer): Greeting {
  const [json] = decodeFrame(octets)
  const greeting = JSON.parse(json?.toString() ?? 'null') as Partial<Greeting> | null
  if (
    greeting?.version !== 1 ||
    typeof greeting.id !== 'number' ||
    typeof greeting.nonce !== 'string'
  ) {
    throw new Error('not a greeting of version 1')
  }
  return greeting as Greeting
}
