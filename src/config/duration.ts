/** Milliseconds, or undefined where the text is no duration. At most ten years. */
export function durationMs(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text) ?? []
  if (number === undefined || unit === undefined) return undefined
  const ms = Math.round(Number(number) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS])
  return ms <= 3650 * DURATION_UNITS.d ? ms : undefined
}

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
