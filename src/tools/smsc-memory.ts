import type { MessageState } from '../smpp/constants.js'

/** What the simulator knows of a message that it took, for query_sm, cancel_sm and replace_sm. */
export interface KnownMessage {
  /** See AcceptedMessage. */
  number: number
  systemId: string
  /** What it comes to in the end. */
  state: MessageState
  /** When that is so, ms since the Unix epoch; until then it is ENROUTE. */
  finalAtMs: number
  /** Of source_addr and destination_addr, as `fnv1a` hashes them. */
  source: number
  destination: number
}

/**
 * The last messages taken, in columns: nothing is allocated for a message. Numbers count up by one, so a message is found by its
 * number; by its addresses it is searched for, which takes at most as many steps as there are slots.
 */
export class SmscMemory {
  private readonly numbers: Float64Array
  private readonly finals: Float64Array
  private readonly sources: Uint32Array
  private readonly destinations: Uint32Array
  private readonly states: MessageState[]
  private readonly systemIds: string[]

  constructor(slots = SLOTS) {
    this.numbers = new Float64Array(slots)
    this.finals = new Float64Array(slots)
    this.sources = new Uint32Array(slots)
    this.destinations = new Uint32Array(slots)
    this.states = new Array<MessageState>(slots).fill('UNKNOWN')
    this.systemIds = new Array<string>(slots).fill('')
  }

  keep(
    number: number,
    systemId: string,
    state: MessageState,
    finalAtMs: number,
    source: number,
    destination: number,
  ): void {
    const slot = number % this.numbers.length
    this.numbers[slot] = number
    this.systemIds[slot] = systemId
    this.states[slot] = state
    this.finals[slot] = finalAtMs
    this.sources[slot] = source
    this.destinations[slot] = destination
  }

  /** Undefined: never taken, or too many came after it. */
  find(number: number): KnownMessage | undefined {
    const slot = number % this.numbers.length
    return this.numbers[slot] === number ? this.at(slot) : undefined
  }

  /** It comes to DELETED, cancelled or not; false where it is forgotten. */
  isDeleted(number: number): boolean {
    const slot = number % this.numbers.length
    return this.numbers[slot] === number && this.states[slot] === 'DELETED'
  }

  /** DELETED from now on. @returns false where it is over, or forgotten */
  cancel(number: number, nowMs: number): boolean {
    const slot = number % this.numbers.length
    if (this.numbers[slot] !== number || this.finals[slot]! <= nowMs) return false
    this.states[slot] = 'DELETED'
    this.finals[slot] = nowMs
    return true
  }

  /** All of a system_id with these addresses, oldest slot first. */
  *between(systemId: string, source: number, destination: number): Generator<KnownMessage> {
    for (let slot = 0; slot < this.numbers.length; slot++) {
      if (this.sources[slot] !== source || this.destinations[slot] !== destination) continue
      if (this.numbers[slot] !== 0 && this.systemIds[slot] === systemId) yield this.at(slot)
    }
  }

  private at(slot: number): KnownMessage {
    return {
      number: this.numbers[slot]!,
      systemId: this.systemIds[slot]!,
      state: this.states[slot]!,
      finalAtMs: this.finals[slot]!,
      source: this.sources[slot]!,
      destination: this.destinations[slot]!,
    }
  }
}

const SLOTS = 1 << 16
