import { randomBytes } from 'node:crypto'

/** A source of chance; simulations hand in a seeded one. */
export interface Random {
  /** Uniform in [0, 1). */
  unit(): number
  /** Uniform integer in [0, limit). */
  below(limit: number): number
  /** `length` octets. The system's are fit for secrets, the seeded ones are not. */
  octets(length: number): Buffer
}

export const systemRandom: Random = {
  unit: () => Math.random(),
  below: limit => Math.floor(Math.random() * limit),
  octets: length => randomBytes(length),
}

/** Repeats itself from a seed (mulberry32). For tests and simulations, never for secrets. */
export class SeededRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  unit(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let x = this.state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }

  below(limit: number): number {
    return Math.floor(this.unit() * limit)
  }

  octets(length: number): Buffer {
    const octets = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) octets[i] = this.below(256)
    return octets
  }
}
