import type { Verdict } from './errors.js'
import type { Held } from './ledger.js'

/** What a link gives back with the answer to a part. */
export class PartTag {
  readonly held: Held
  readonly parts: Parts
  readonly index: number
  /** Monotonic ms. */
  readonly writtenAtMs: number

  constructor(held: Held, parts: Parts, index: number, writtenAtMs: number) {
    this.held = held
    this.parts = parts
    this.index = index
    this.writtenAtMs = writtenAtMs
  }
}

/** What became of all that was written: nothing is on its way. */
export type PartsOutcome =
  | { result: 'sent'; smscIds: string[] }
  | { result: 'doubt' }
  /** What the SMSC said of the first part that it refused. */
  | { result: 'refused'; command_status: number; verdict: Verdict }
  /** The rest was given back before it was written. */
  | { result: 'unfinished' }

/**
 * The parts of one claimed message, which go out in their order. From the first that is refused, or of which nobody knows,
 * nothing more is written.
 */
export class Parts {
  /** Of the settings by which it was cut. */
  readonly revision: number
  private readonly bodies: readonly Buffer[]
  /** SMSC ids of those it has taken. */
  private readonly ids: (string | undefined)[]
  private next = 0
  private open = 0
  private isStopped = false
  private doubted = false
  private refusal: { command_status: number; verdict: Verdict } | undefined

  /** @param bodies  of submit_sm, two or more */
  constructor(bodies: readonly Buffer[], revision: number) {
    this.bodies = bodies
    this.revision = revision
    this.ids = new Array<string | undefined>(bodies.length).fill(undefined)
  }

  /** Some were taken at an earlier attempt. */
  resume(smscIds: readonly (string | undefined)[]): void {
    smscIds.forEach((id, i) => (this.ids[i] = id))
    this.skip()
  }

  get smscIds(): readonly (string | undefined)[] {
    return this.ids
  }

  /** The SMSC has some of them. */
  get isBegun(): boolean {
    return this.ids.some(id => id !== undefined)
  }

  /** The next to be written: its place and octets; undefined: none. */
  get due(): { index: number; body: Buffer } | undefined {
    const body = this.isStopped ? undefined : this.bodies[this.next]
    return body === undefined ? undefined : { index: this.next, body }
  }

  /** The one that was due is on its way. */
  written(): void {
    this.open++
    this.next++
    this.skip()
  }

  taken(index: number, smscId: string): void {
    this.open--
    this.ids[index] = smscId
  }

  refused(command_status: number, verdict: Verdict): void {
    this.open--
    this.refusal ??= { command_status, verdict }
    this.isStopped = true
  }

  /** No answer, or the bind broke. */
  unknown(): void {
    this.open--
    this.doubted = true
    this.isStopped = true
  }

  /** A late answer, after the message came into doubt. True: that was the last that was missing. */
  takenLate(index: number, smscId: string): boolean {
    const before = this.isWhole
    this.ids[index] ??= smscId
    return !before && this.isWhole
  }

  /** Nothing more is to be written. */
  stop(): void {
    this.isStopped = true
  }

  /** Ids of all parts; call it when the SMSC has all. */
  get allIds(): string[] {
    return this.ids.map(id => id ?? '')
  }

  /** undefined: something is on its way, or due. */
  get outcome(): PartsOutcome | undefined {
    if (this.open > 0) return undefined
    if (this.isWhole) return { result: 'sent', smscIds: this.allIds }
    if (this.doubted) return { result: 'doubt' }
    if (this.refusal !== undefined) return { result: 'refused', ...this.refusal }
    return this.isStopped ? { result: 'unfinished' } : undefined
  }

  private get isWhole(): boolean {
    return this.ids.every(id => id !== undefined)
  }

  private skip(): void {
    while (this.next < this.ids.length && this.ids[this.next] !== undefined) this.next++
  }
}
