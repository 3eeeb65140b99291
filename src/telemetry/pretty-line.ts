import { createColors } from 'picocolors'

/**
 * A JSON log line as people like it: `12:03:04.123 info  leader changed  term=7 leader=2`. Times are UTC.
 * What is no JSON comes back unchanged.
 */
export function prettyLine(json: string, colours: boolean): string {
  const line = parse(json)
  if (line === undefined) return json
  const paint = createColors(colours)
  const { level, time, event, ...fields } = line
  const word = String(level)
  const tint = { debug: paint.dim, warn: paint.yellow, error: paint.red }[word] ?? paint.green
  const clock = paint.dim(String(time).slice(11, 23))
  const rest = Object.entries(fields).map(
    ([key, value]) => `${paint.dim(`${key}=`)}${shown(value)}`,
  )
  return `${[clock, tint(word.padEnd(5)), String(event), ...rest].join(' ')}\n`
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(json) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && value !== null && 'stack' in value) return String(value.stack)
  return JSON.stringify(value)
}
