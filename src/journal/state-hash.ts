/**
 * A running 64-bit hash of what apply decided: of outcomes and marks, never of where octets lie. Two
 * nodes with the same log agree on it at every index, or one of them is wrong (DESIGN I7).
 */
export class StateHash {
  private high: number
  private low: number

  constructor(saved?: string) {
    this.high = saved === undefined ? 0x243f6a88 : parseInt(saved.slice(0, 8), 16) | 0
    this.low = saved === undefined ? 0x85a308d3 : parseInt(saved.slice(8), 16) | 0
  }

  /** Takes in one number of a decision; what is beyond 2^53, or after the point, does not count. */
  mix(value: number): void {
    const low = value | 0
    const high = (value / 4294967296) | 0
    this.low = Math.imul(this.low ^ low, 0x01000193) ^ (this.high >>> 15)
    this.high = (Math.imul(this.high ^ high ^ (this.low >>> 13), 0x85ebca6b) + low) | 0
  }

  /** Takes in text of a rare decision. */
  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i))
  }

  /** 16 hex digits. */
  get value(): string {
    return hex(this.high) + hex(this.low)
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
