import type { Random } from '../base/random.js'

/**
 * The tag that the load client writes into every message and the simulator looks for, so that both
 * count the same thing: `T=<run>-<n>;`. `run` is six characters of 0-9a-z, drawn once per run; `n` is
 * eight digits, counting from 0.
 *
 *     T=k3f9a1-00000042;
 */
export const TAG_OCTETS = 18

/** More do not fit the digits of `n`. */
export const TAG_N_MAX = 99_999_999

/** Octets before the digits of `n`. */
const TAG_DIGITS_AT = 9
const TAG_DIGITS = 8

/** Where in a tag that begins at `at` its digits lie: `[start, start + 8)`. */
export function tagDigitsAt(at: number): number {
  return at + TAG_DIGITS_AT
}

/** A name for a run: a number below 36⁶, shown as six characters. */
export function drawRun(random: Random): number {
  return random.below(36 ** 6)
}

export function runText(run: number): string {
  return run.toString(36).padStart(6, '0')
}

/** The number of a run's name, or undefined where it is none. */
export function parseRun(text: string): number | undefined {
  return /^[0-9a-z]{6}$/.test(text) ? parseInt(text, 36) : undefined
}

export function tagText(run: number, n: number): string {
  return `T=${runText(run)}-${String(n).padStart(TAG_DIGITS, '0')};`
}

/** Writes `value` in decimal, `digits` long, its low digits where it has more. */
export function writeDigits(into: Buffer, at: number, digits: number, value: number): void {
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10)
    into[i] = 0x30 + (value - rest * 10)
    value = rest
  }
}

/** Finds tags without making strings. `run` and `n` are of the last that was found. */
export class TagReader {
  run = 0
  n = 0

  /** The first tag in `[start, end)`; false where there is none. */
  find(octets: Buffer, start: number, end: number): boolean {
    for (let at = start; at + TAG_OCTETS <= end; at++) {
      if (octets[at] === 0x54 && octets[at + 1] === 0x3d && this.read(octets, at)) return true
    }
    return false
  }

  private read(octets: Buffer, at: number): boolean {
    let run = 0
    for (let i = at + 2; i < at + 8; i++) {
      const digit = base36(octets[i]!)
      if (digit < 0) return false
      run = run * 36 + digit
    }
    let n = 0
    for (let i = at + TAG_DIGITS_AT; i < at + TAG_DIGITS_AT + TAG_DIGITS; i++) {
      const digit = octets[i]! - 0x30
      if (digit < 0 || digit > 9) return false
      n = n * 10 + digit
    }
    if (octets[at + 8] !== 0x2d || octets[at + TAG_OCTETS - 1] !== 0x3b) return false
    this.run = run
    this.n = n
    return true
  }
}

function base36(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  if (octet >= 0x61 && octet <= 0x7a) return octet - 0x61 + 10
  return -1
}
