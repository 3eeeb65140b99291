/** What is known of one message_id. */
export interface IdEntry {
  /** Number of the message it was given to; undefined: a receipt came, a submit_sm_resp did not (yet). */
  n: number | undefined
  /** submit_sm_resp that gave this id. More than one: the id was not unique. */
  acks: number
  /** Final receipts. */
  receipts: number
}

/**
 * message_ids and what came for them, without a string or an object for each: an open hash table
 * over 64 bits of the id's octets, 14 octets a slot, at most two thirds full. Two different ids of a
 * million are taken for one with a probability of 3 in 100 million.
 */
export class IdTable {
  private size = 0
  private mask: number
  private lows: Uint32Array
  private highs: Uint32Array
  private numbers: Uint32Array
  private acks: Uint8Array
  private receipts: Uint8Array

  constructor(slots = 1 << 12) {
    this.mask = slots - 1
    this.lows = new Uint32Array(slots)
    this.highs = new Uint32Array(slots)
    this.numbers = new Uint32Array(slots)
    this.acks = new Uint8Array(slots)
    this.receipts = new Uint8Array(slots)
  }

  get count(): number {
    return this.size
  }

  /** Takes a submit_sm_resp. Counts stop at 255. */
  acknowledge(octets: Buffer, start: number, end: number, n: number): IdEntry {
    const slot = this.slotOf(octets, start, end)
    if (this.acks[slot] === 0) this.numbers[slot] = n
    if (this.acks[slot]! < 255) this.acks[slot]!++
    return this.entry(slot)
  }

  /** Takes a final receipt. */
  receipt(octets: Buffer, start: number, end: number): IdEntry {
    const slot = this.slotOf(octets, start, end)
    if (this.receipts[slot]! < 255) this.receipts[slot]!++
    return this.entry(slot)
  }

  /** Every id, in no order. */
  *entries(): Generator<IdEntry> {
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.lows[slot] !== 0) yield this.entry(slot)
    }
  }

  private entry(slot: number): IdEntry {
    const acks = this.acks[slot]!
    return {
      n: acks > 0 ? this.numbers[slot]! : undefined,
      acks,
      receipts: this.receipts[slot]!,
    }
  }

  /** The slot of an id; a free one is taken for it. */
  private slotOf(octets: Buffer, start: number, end: number): number {
    let low = 0x811c9dc5
    let high = 0x9e3779b9 ^ (end - start)
    for (let at = start; at < end; at++) {
      const octet = octets[at]!
      low = Math.imul(low ^ octet, 0x01000193)
      high = Math.imul(high + octet, 0x85ebca6b)
      high ^= high >>> 13
    }
    low = mix(low ^ (high >>> 7)) | 1 // never 0: that marks a free slot
    high = mix(high)
    return this.place(low >>> 0, high >>> 0)
  }

  private place(low: number, high: number): number {
    let slot = (low ^ high) & this.mask
    while (this.lows[slot] !== 0 && (this.lows[slot] !== low || this.highs[slot] !== high)) {
      slot = (slot + 1) & this.mask
    }
    if (this.lows[slot] !== 0) return slot
    if (3 * (this.size + 1) > 2 * (this.mask + 1)) {
      this.grow()
      return this.place(low, high)
    }
    this.size++
    this.lows[slot] = low
    this.highs[slot] = high
    return slot
  }

  private grow(): void {
    const larger = new IdTable((this.mask + 1) * 2)
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.lows[slot] === 0) continue
      const to = larger.place(this.lows[slot]!, this.highs[slot]!)
      larger.numbers[to] = this.numbers[slot]!
      larger.acks[to] = this.acks[slot]!
      larger.receipts[to] = this.receipts[slot]!
    }
    this.mask = larger.mask
    this.lows = larger.lows
    this.highs = larger.highs
    this.numbers = larger.numbers
    this.acks = larger.acks
    this.receipts = larger.receipts
  }
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
