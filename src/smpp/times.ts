/**
 * An SMPP time as milliseconds since the Unix epoch. Absolute times carry tenths of a second and the
 * distance to UTC in quarter hours; relative ones ("R") count from `nowMs`, by the calendar, in UTC.
 *
 * @param text   sixteen characters, YYMMDDhhmmsstnnp; the years are 2000 to 2099
 * @param nowMs  milliseconds since the Unix epoch, for relative times
 * @returns      undefined where the text is not a time: ESME_RINVSCHED or ESME_RINVEXPIRY
 * Source: SMPP 3.4 §7.1.1: with "+" the local time is ahead of UTC.
 */
export function parseTime(text: string, nowMs: number): number | undefined {
  if (!SHAPE.test(text)) return undefined
  const [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map(at =>
    Number(text.slice(at, at + 2)),
  ) as [number, number, number, number, number, number]
  if (text.endsWith('R')) {
    return addCalendar(nowMs, year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000
  }
  const tenths = Number(text[12])
  const quarters = Number(text.slice(13, 15))
  if (quarters > 48) return undefined
  const localMs = utcMs(2000 + year, month, day, hour, minute, second)
  if (localMs === undefined) return undefined
  const aheadMs = quarters * 15 * 60_000 * (text.endsWith('+') ? 1 : -1)
  return localMs + tenths * 100 - aheadMs
}

/** An absolute time in UTC, rounded down to tenths of a second. Years 2000 to 2099. */
export function formatTime(atMs: number): string {
  const tenths = Math.floor((((atMs % 1000) + 1000) % 1000) / 100)
  return `${digits(atMs)}${tenths}00+`
}

/**
 * A relative time, rounded up to seconds, at least one. Durations above 31 days are cut to 31, for
 * months have no fixed length: use an absolute time there.
 */
export function formatRelative(durationMs: number): string {
  const total = Math.min(Math.max(1, Math.ceil(durationMs / 1000)), 31 * 86_400)
  const days = Math.floor(total / 86_400)
  const hours = Math.floor(total / 3_600) % 24
  const minutes = Math.floor(total / 60) % 60
  return `0000${[days, hours, minutes, total % 60].map(two).join('')}000R`
}

/** YYMMDDhhmm in UTC, as receipts carry it. */
export function formatReceiptDate(atMs: number): string {
  return digits(atMs).slice(0, 10)
}

/**
 * A date of a receipt's text: 10 digits (YYMMDDhhmm), 12 (with seconds) or 14 (with the century),
 * read as UTC, for the text names no zone. Undefined where it is none of these.
 */
export function parseReceiptDate(text: string): number | undefined {
  const { length } = text
  if (length !== 10 && length !== 12 && length !== 14) return undefined
  for (let at = 0; at < length; at++) if (!isDigit(text.charCodeAt(at))) return undefined
  const year = length === 14 ? pair(text, 0) * 100 + pair(text, 2) : 2000 + pair(text, 0)
  const from = length === 14 ? 4 : 2
  const second = length === 10 ? 0 : pair(text, from + 8)
  return utcMs(
    year,
    pair(text, from),
    pair(text, from + 2),
    pair(text, from + 4),
    pair(text, from + 6),
    second,
  )
}

/** The number of two digits. */
function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

const SHAPE = /^\d{15}[+\-R]$/

/** Undefined where the calendar has no such instant. */
function utcMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) {
    return undefined
  }
  if (day > 28 && day > daysIn(year, month - 1)) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function addCalendar(fromMs: number, years: number, months: number, days: number): number {
  const from = new Date(fromMs)
  const monthsSince0 = from.getUTCFullYear() * 12 + from.getUTCMonth() + years * 12 + months
  const year = Math.floor(monthsSince0 / 12)
  const month = monthsSince0 % 12
  const day = Math.min(from.getUTCDate(), daysIn(year, month)) // 31 January plus a month: 28 February
  return Date.UTC(year, month, day + days) + (fromMs % 86_400_000)
}

/** @param month  0 to 11 */
function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
}

/** YYMMDDhhmmss. */
function digits(atMs: number): string {
  const date = new Date(atMs)
  return [
    date.getUTCFullYear() % 100,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
    .map(two)
    .join('')
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
